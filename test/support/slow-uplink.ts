import { TcpWay } from './tcp-way.js';

/** A way to a server on which what the client sends is slow. */
export class SlowUplink {
  private constructor(
    private readonly way: TcpWay,
    readonly url: string,
  ) {}

  static async to(url: string, bytesPerSecond: number): Promise<SlowUplink> {
    const way = await TcpWay.to(url, (client, upstream) => {
      upstream.pipe(client);
      client.on('data', (chunk) => {
        upstream.write(chunk);
        client.pause();
        setTimeout(() => client.resume(), (chunk.length / bytesPerSecond) * 1000);
      });
      client.on('end', () => upstream.end()).on('close', () => upstream.destroy());
    });
    return new SlowUplink(way, `http://127.0.0.1:${way.port}`);
  }

  close(): Promise<void> {
    return this.way.close();
  }
}
