import type { SessionsOptions } from '../../../libs/sessions/dist/core/config/config.js';

/** What a remote server is started with. */
export interface RemoteSettings {
  readonly root: string;
  readonly options: SessionsOptions;
  /** Whether it runs the cleanup jobs as they fall due. */
  readonly cleansUp: boolean;
}

export interface Opened {
  readonly id: string;
  readonly token: string;
  /** When it was there, by the machine's monotonic clock, in milliseconds: so are all instants of remote servers. */
  readonly at: number;
}

/** What one request came to. */
export interface Served {
  readonly kind: string;
  readonly userId: string | null;
  /** When it came, and when it was answered. */
  readonly askedAt: number;
  readonly at: number;
}

/** What a session's requests, one after the other, came to. */
export interface Watched {
  readonly token: string;
  requests: number;
  /**
   * When the last one came that was served. When it was answered says less: a process may be stopped between the two.
   */
  lastServedAt: number;
  /** The first one that was not. */
  firstRefusedAt: number | null;
  /** Served again after it had been refused. */
  revived: boolean;
  /** The last upload that went through: when it began. */
  lastUploadBegunAt: number;
}

/** What a login or regenerate came to: `done`, or the code of the error, or the kind of the token. */
export interface Replaced {
  readonly outcome: string;
  readonly token: string | null;
  readonly at: number;
}

export interface Ended {
  readonly id: string;
  readonly reason: string;
  readonly at: number;
}

/** What a remote server does, and answers. */
export interface RemoteCalls {
  open(count: number): Promise<Opened[]>;
  request(token: string): Promise<Served>;
  login(token: string, userId: string): Promise<Replaced>;
  regenerate(token: string): Promise<Replaced>;
  end(id: string): Promise<{ outcome: string; at: number }>;
  upload(id: string, chunks: readonly number[]): Promise<{ outcome: string; resourceId: string | null }>;
  /** Whether a file can be read, whole. */
  download(resourceId: string): Promise<number>;
  /** Requests of all these sessions, round after round, until `unwatch`. */
  watch(tokens: readonly string[], uploads: boolean): Promise<void>;
  unwatch(): Promise<Watched[]>;
  /** Sessions that this process ended since it was asked last. */
  ended(): Promise<Ended[]>;
  cleanUp(): Promise<void>;
}

export type RemoteCall = keyof RemoteCalls;

export interface Question {
  readonly id: number;
  readonly call: RemoteCall;
  readonly args: readonly unknown[];
}

export type Answer = { readonly id: number } & ({ readonly answer: unknown } | { readonly failure: string });
