import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { MULTIPART, multipart, type Visitor } from '../processes/visitor.ts';

const FILE_BYTES = 200_000;

/** An upload that is under way: half of it is sent, the rest waits. */
export class SlowUpload {
  private readonly socket: Socket;
  private readonly rest: Buffer;
  private received = '';

  private constructor(socket: Socket, rest: Buffer) {
    this.socket = socket;
    this.rest = rest;
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (text: string) => (this.received += text));
  }

  static async begin({ port, headers }: Visitor): Promise<SlowUpload> {
    const body = multipart(Buffer.alloc(FILE_BYTES, 1));
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    const lines = Object.entries({
      host: 'torture',
      ...headers,
      'content-type': MULTIPART,
      'content-length': String(body.length),
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    const half = body.length / 2;
    socket.write(`POST /files HTTP/1.1\r\n${lines.join('')}\r\n`);
    socket.write(body.subarray(0, half));
    return new SlowUpload(socket, body.subarray(half));
  }

  /** Sends the rest; the status that answers it, `none` where the connection is simply gone. */
  async finish(withinMs: number): Promise<string> {
    if (!this.socket.destroyed) this.socket.write(this.rest);
    const deadline = performance.now() + withinMs;
    while (this.received === '' && !this.socket.destroyed && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.socket.destroy();
    return this.received === '' ? 'none' : this.received.slice(9, 12);
  }
}
