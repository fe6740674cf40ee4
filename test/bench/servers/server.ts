/** A contender that serves `GET /session`, in this process. */
export interface RunningServer {
  readonly port: number;
  /** What else it can be asked for. */
  readonly handlers?: Record<string, (...args: never[]) => unknown>;
  stop(): Promise<unknown>;
}

export const ADAPTERS = ['express', 'fastify'] as const;
export type AdapterName = (typeof ADAPTERS)[number];

/** What a server is told. */
export interface ServerSetup {
  readonly contender: string;
  readonly adapter: AdapterName;
  /** An empty folder of its own. */
  readonly folder: string;
  /** Where its own Redis listens, if it wants one. */
  readonly redisPort: number | null;
}
