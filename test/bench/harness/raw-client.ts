// HTTP over plain sockets: a client that costs next to nothing, so that the server is what is measured.
import { connect, type Socket } from 'node:net';

export interface RawResponse {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  readonly body: string;
}

/** One connection that is kept alive, with one request under way at a time. */
export class RawConnection {
  private readonly socket: Socket;
  private received = '';
  private waiting: PromiseWithResolvers<RawResponse> | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.take(text));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('The server closed the connection.')));
  }

  static open(port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new RawConnection(socket)));
      socket.once('error', reject);
    });
  }

  send(request: string): Promise<RawResponse> {
    this.waiting = Promise.withResolvers();
    this.socket.write(request, 'latin1');
    return this.waiting.promise;
  }

  close(): void {
    this.socket.removeAllListeners('close');
    this.socket.destroy();
  }

  private take(text: string): void {
    this.received += text;
    const headEnd = this.received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.received.slice(0, headEnd);
    const bodyEnd = headEnd + 4 + lengthIn(head);
    if (this.received.length < bodyEnd) return;
    const body = this.received.slice(headEnd + 4, bodyEnd);
    this.received = this.received.slice(bodyEnd);
    this.waiting?.resolve({ status: Number(head.slice(9, 12)), head, body });
  }

  private fail(error: Error): void {
    this.waiting?.reject(error);
  }
}

function lengthIn(head: string): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`A response without a length:\n${head}`);
  return Number(length);
}

/** A browser's GET; `cookie` as a browser would send it back. */
export function getRequest(path: string, cookie?: string): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Accept: application/json',
    'Connection: keep-alive',
    ...(cookie === undefined ? [] : [`Cookie: ${cookie}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
