import type { Socket } from 'node:net';
import { TcpWay } from '../../support/tcp-way.ts';

const LATE_SHARE = 0.05;
const LATE_MS = 120;
const LOST_SHARE = 0.002;

/** A way to Redis on which some answers come late, and some are lost with their connection: what was asked is done all the same. */
export class FlakyProxy {
  lost = 0;
  late = 0;
  private readonly random: () => number;
  private way: TcpWay | null = null;

  private constructor(random: () => number) {
    this.random = random;
  }

  static async to(url: string, random: () => number): Promise<FlakyProxy> {
    const proxy = new FlakyProxy(random);
    proxy.way = await TcpWay.to(url, (client, upstream) => proxy.join(client, upstream));
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.way?.port}`;
  }

  private join(client: Socket, upstream: Socket): void {
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => this.answer(client, upstream, chunk, this.random()));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
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
    await this.way?.close();
  }
}
