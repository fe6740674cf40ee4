import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** What goes wrong on the way to a server: it may answer itself, or do something before the server gets the request. */
export type Fault = (incoming: IncomingMessage, response: ServerResponse) => Promise<'answered' | 'passed'>;

/** A way to a server, with a fault on it. */
export class FaultyWay {
  private constructor(
    readonly url: string,
    private readonly server: ReturnType<typeof createServer>,
  ) {}

  static async to(url: string, fault: Fault): Promise<FaultyWay> {
    const server = createServer((incoming, response) => {
      void fault(incoming, response).then((outcome) => {
        if (outcome === 'passed') forward(url, incoming, response);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    return new FaultyWay(`http://127.0.0.1:${port}`, server);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => void this.server.close(closed));
  }
}

function forward(url: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, headers, url: path } = incoming;
  const outgoing = request(url, { method, headers, path, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  incoming.pipe(outgoing);
}
