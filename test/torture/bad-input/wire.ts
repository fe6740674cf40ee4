import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Request } from './request.ts';

export interface Answer {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  readonly body: string;
}

export interface Exchange {
  /** `answered`, `closed` without an answer, or `silent`: neither in time. */
  readonly kind: 'answered' | 'closed' | 'silent';
  readonly answer: Answer | null;
  /** Everything that came. */
  readonly received: string;
}

const ANSWER_WITHIN_MS = 5000;
/** How long half a request waits for what the server thinks of it, before it says that no more comes. */
const BROKEN_FOR_MS = 40;

/** A connection on which every byte is told, and every byte that comes back is kept. */
export class Wire {
  readonly #socket: Socket;
  #received = '';
  #isOver = false;
  #changed = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').setNoDelay(true);
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#tell();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#isOver = true;
      this.#tell();
    });
  }

  static async open(port: number, from: string): Promise<Wire> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    await once(socket, 'connect');
    return new Wire(socket);
  }

  get isUsable(): boolean {
    return !this.#isOver && this.#socket.writable;
  }

  /** Sends a request; what came of it within five seconds. Ready for another one if `isUsable` afterwards. */
  async exchange(request: Request): Promise<Exchange> {
    this.#received = '';
    this.#socket.write(request.bytes);
    const isHead = request.method === 'HEAD';
    let answer = await this.#answer(isHead, request.framing === 'whole' ? ANSWER_WITHIN_MS : BROKEN_FOR_MS);
    if (request.framing === 'broken') {
      this.#socket.end();
      await this.#until(() => this.#isOver, ANSWER_WITHIN_MS);
      answer ??= parseAnswer(this.#received, isHead, true);
      const kind = this.#isOver ? (answer ? 'answered' : 'closed') : 'silent';
      this.destroy();
      return { kind, answer, received: this.#received };
    }
    if (!answer || closes(answer)) {
      const kind = answer ? 'answered' : this.#isOver ? 'closed' : 'silent';
      this.destroy();
      return { kind, answer, received: this.#received };
    }
    return { kind: 'answered', answer, received: this.#received };
  }

  /** Sends more on an open stream. */
  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  async #answer(isHead: boolean, withinMs: number): Promise<Answer | null> {
    let answer: Answer | null = null;
    await this.#until(() => {
      answer = parseAnswer(this.#received, isHead, this.#isOver);
      return answer !== null || this.#isOver;
    }, withinMs);
    return answer;
  }

  async #until(isSo: () => boolean, withinMs: number): Promise<void> {
    const timeUp = Promise.withResolvers<void>();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      timeUp.resolve();
    }, withinMs);
    while (!isSo() && !late) await Promise.race([this.#changed.promise, timeUp.promise]);
    clearTimeout(timer);
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

function closes({ status, head }: Answer): boolean {
  return status === 101 || /\r\nconnection: close/i.test(head) || isEndless(head);
}

/** An event stream has no end: its head is the answer. */
function isEndless(head: string): boolean {
  return /\r\ncontent-type: text\/event-stream/i.test(head);
}

/** The first final answer in `received`, as soon as all of it is there. */
function parseAnswer(received: string, isHead: boolean, isOver: boolean): Answer | null {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = received.slice(0, end);
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? Number.NaN);
  const rest = received.slice(end + 4);
  if (status >= 100 && status < 200 && status !== 101) return parseAnswer(rest, isHead, isOver);
  const hasNoBody = isHead || status === 101 || status === 204 || status === 304 || isEndless(head);
  const body = hasNoBody ? '' : bodyOf(head, rest, isOver);
  return body === null ? null : { status, head, body };
}

function bodyOf(head: string, rest: string, isOver: boolean): string | null {
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return unchunk(rest);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length === undefined) return isOver ? rest : null;
  return rest.length >= Number(length) ? rest.slice(0, Number(length)) : null;
}

function unchunk(text: string): string | null {
  let body = '';
  for (let at = 0; ;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (Number.isNaN(size) || text.length < end) return null;
    if (size === 0) return body;
    body += text.slice(lineEnd + 2, end - 2);
    at = end;
  }
}
