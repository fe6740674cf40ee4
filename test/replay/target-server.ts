import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Milliseconds of a monotonic clock. */
  readonly at: number;
}

export type Answering = (seen: SeenRequest, response: ServerResponse) => void;

/** A server that keeps what it is sent, and answers as the test says. */
export class TargetServer {
  readonly seen: SeenRequest[] = [];

  private constructor(
    readonly url: URL,
    private readonly stop: () => Promise<void>,
  ) {}

  static async start(answering: Answering): Promise<TargetServer> {
    const server = createServer((incoming, response) => {
      const at = performance.now();
      void incoming.toArray().then((chunks) => {
        const { method = '', url: path = '', headers } = incoming;
        const seen = { method, path, headers, body: Buffer.concat(chunks as Buffer[]), at };
        target.seen.push(seen);
        answering(seen, response);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const target = new TargetServer(new URL(`http://127.0.0.1:${port}`), async () => {
      server.closeAllConnections();
      await new Promise((closed) => void server.close(closed));
    });
    return target;
  }

  close(): Promise<void> {
    return this.stop();
  }
}
