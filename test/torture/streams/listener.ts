import { get, type ClientRequest } from 'node:http';
import { WebSocket } from 'ws';
import type { Visitor } from '../processes/visitor.ts';

/** Where and how a stream ended: by its own words, if it said any. */
export interface StreamEnd {
  readonly closedAt: number;
  /** `session-ended` or a close code; the status, where the stream was refused. */
  readonly how: string;
}

const LAST_WORDS = 'event: session-ended\n';

/** One open stream of a session, as its client sees it: what it said when, and how it ended. */
export class Listener {
  readonly kind: 'SSE' | 'WebSocket';
  /** When the server said the last thing of the application, by the server's clock. */
  lastSaidAt = 0;
  /** What came after the words that say that the session is over. */
  afterTheEnd = '';
  readonly opened: Promise<boolean>;
  readonly ended: Promise<StreamEnd>;
  private open: (isOpen: boolean) => void = () => {};
  private end: (how: string) => void = () => {};
  private request: ClientRequest | undefined;
  private socket: WebSocket | undefined;
  private received = '';

  private constructor(kind: Listener['kind']) {
    this.kind = kind;
    this.opened = new Promise((resolve) => (this.open = resolve));
    this.ended = new Promise((resolve) => {
      this.end = (how) => {
        this.open(false);
        resolve({ closedAt: Date.now(), how });
      };
    });
  }

  static eventStream({ port, headers }: Visitor): Listener {
    const listener = new Listener('SSE');
    const request = get({ host: '127.0.0.1', port, path: '/ticks', headers, agent: false }, (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        return listener.end(String(response.statusCode));
      }
      response.setEncoding('utf8').on('data', (text: string) => listener.hear(text));
      response.once('close', () =>
        listener.end(listener.received.includes(LAST_WORDS) ? 'session-ended' : 'cut'),
      );
    });
    request.once('error', () => listener.end('broken'));
    listener.request = request;
    return listener;
  }

  static webSocket({ port, headers }: Visitor): Listener {
    const listener = new Listener('WebSocket');
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ticks`, { headers, agent: false });
    socket.on('message', (data: Buffer) => listener.note(data.toString()));
    socket.once('close', (code) => listener.end(String(code)));
    socket.once('error', () => {});
    socket.once('unexpected-response', (_request, response) => {
      listener.end(String(response.statusCode));
      response.destroy();
    });
    listener.socket = socket;
    return listener;
  }

  close(): void {
    this.request?.destroy();
    this.socket?.terminate();
  }

  private hear(text: string): void {
    this.received += text;
    for (let end = this.received.indexOf('\n\n'); end >= 0; end = this.received.indexOf('\n\n')) {
      const event = this.received.slice(0, end);
      if (event.includes(LAST_WORDS)) {
        this.afterTheEnd = this.received.slice(end + 2);
        return;
      }
      this.received = this.received.slice(end + 2);
      this.note(/^data: (.*)$/m.exec(event)?.[1] ?? '');
    }
  }

  private note(message: string): void {
    if (message === '') return;
    this.open(true);
    this.lastSaidAt = (JSON.parse(message) as { at: number }).at;
  }
}
