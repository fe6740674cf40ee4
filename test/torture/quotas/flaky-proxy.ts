import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const LATE_SHARE = 0.05;
const LATE_MS = 120;
const LOST_SHARE = 0.002;

/** A way to Redis on which some answers come late, and some are lost with their connection: what was asked is done all the same. */
export class FlakyProxy {
  private readonly server: Server;
  private readonly sockets: Set<Socket>;
  readonly url: string;
  lost = 0;
  late = 0;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.server = server;
    this.sockets = sockets;
    this.url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async to(url: string, random: () => number): Promise<FlakyProxy> {
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const upstream = connect(Number(new URL(url).port), '127.0.0.1');
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      }
      client.pipe(upstream);
      upstream.on('data', (chunk: Buffer) => proxy.answer(client, upstream, chunk, random()));
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new FlakyProxy(server, sockets);
    return proxy;
  }

  private answer(client: Socket, upstream: Socket, chunk: Buffer, chance: number): void {
    if (chance < LOST_SHARE) {
      this.lost += 1;
      client.destroy();
    } else if (chance < LATE_SHARE) {
      this.late += 1;
      upstream.pause();
      setTimeout(
        () => {
          client.write(chunk);
          upstream.resume();
        },
        chance * (LATE_MS / LATE_SHARE),
      );
    } else {
      client.write(chunk);
    }
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
