import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export const BOUNDARY = 'xBOUNDARYx';

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** An HTTP request whose every byte the test decides. */
export class RawRequest {
  private received = '';

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
  }

  /** One that `isStubborn` goes on sending when the server has said goodbye. */
  static async open(port: number, isStubborn = false): Promise<RawRequest> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: isStubborn });
    await once(socket, 'connect');
    return new RawRequest(socket);
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** What the server has answered, as soon as it is whole: all that its Content-Length says. */
  async answer(withinMs = 10_000): Promise<RawAnswer> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const answer = parse(this.received);
      if (answer) return answer;
      if (performance.now() > deadline || this.socket.destroyed) {
        throw new Error(`No answer came, but: ${JSON.stringify(this.received.slice(0, 200))}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Whether the server closed the connection within this time. */
  async isClosed(withinMs: number): Promise<boolean> {
    if (this.socket.destroyed) return true;
    const timeout = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), withinMs).unref());
    return Promise.race([
      new Promise<boolean>((resolve) => this.socket.once('close', () => resolve(true))),
      timeout,
    ]);
  }

  /** Breaks off with a reset, as a client does that crashes. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  end(): void {
    this.socket.destroy();
  }
}

function parse(received: string): RawAnswer | null {
  const final = received.replace(/^HTTP\/1\.1 100 [^]*?\r\n\r\n/, '');
  const end = final.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = final.slice(0, end);
  const body = final.slice(end + 4);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  if (body.length < length) return null;
  return { status: Number(head.split(' ')[1]), head, body };
}

/** The head of a multipart request. */
export function headOf(cookie: string, more: Record<string, string | number> = {}, path = '/upload'): string {
  const headers = {
    host: '127.0.0.1',
    cookie,
    'user-agent': 'test-browser',
    'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    ...more,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`POST ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

/** One part of a multipart body; `headers` are lines as they stand. */
export function part(headers: string | string[], contents: string | Buffer = ''): Buffer {
  const head = `--${BOUNDARY}\r\n${[headers].flat().join('\r\n')}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(contents), Buffer.from('\r\n')]);
}

export function filePart(contents: string | Buffer, disposition = 'name="file"; filename="a.wav"'): Buffer {
  return part([`Content-Disposition: form-data; ${disposition}`, 'Content-Type: audio/wav'], contents);
}

export const END = Buffer.from(`--${BOUNDARY}--\r\n`);

export function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
