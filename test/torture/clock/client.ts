import type { RemoteCalls } from '../remote/protocol.ts';
import type { Witness } from './witness.ts';

export const LIMITS = { idleMs: 2000, durationMs: 5000 };
/** Instants are whole milliseconds in the store, and the kernel tells a sleep in hundredths of a second. */
const ROUNDING_MS = 20;
const FILE_BYTES = 1000;

/** Between when it was asked and when it was answered, something happened: by the time of the store. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** One session, as its client remembers it: it knows when it must be over, and until when it must not. */
export class Client {
  readonly id: string;
  readonly resourceId: string;
  private readonly token: string;
  private readonly opened: Span;
  private touched: Span;

  private constructor(id: string, token: string, resourceId: string, opened: Span, touched: Span) {
    this.id = id;
    this.token = token;
    this.resourceId = resourceId;
    this.opened = opened;
    this.touched = touched;
  }

  /** With one file. */
  static async open(server: RemoteCalls, witness: Witness): Promise<Client> {
    const from = witness.now();
    const [session] = await server.open(1);
    if (!session) throw new Error('No session was opened');
    const opened = { from, to: witness.now() };
    await server.request(session.token);
    const { outcome, resourceId } = await server.upload(session.id, [FILE_BYTES]);
    if (resourceId === null) throw new Error(`The file was refused: ${outcome}`);
    return new Client(session.id, session.token, resourceId, opened, { from, to: witness.now() });
  }

  /** Until then it must be live, whatever the clocks do. */
  get livesUntil(): number {
    return Math.min(this.opened.from + LIMITS.durationMs, this.touched.from + LIMITS.idleMs) - ROUNDING_MS;
  }

  /** From then on nobody may use it. */
  get isOverFrom(): number {
    return Math.min(this.opened.to + LIMITS.durationMs, this.touched.to + LIMITS.idleMs) + ROUNDING_MS;
  }

  /** One request, and what is wrong with its answer: `null` if nothing is. Whether it still lives. */
  async request(server: RemoteCalls, witness: Witness): Promise<{ lives: boolean; fault: string | null }> {
    const from = witness.now();
    const { kind } = await server.request(this.token);
    const to = witness.now();
    const { livesUntil, isOverFrom } = this;
    const lives = kind === 'live';
    if (lives && from > isOverFrom) return { lives, fault: `served ${from - isOverFrom} ms after its end` };
    if (!lives && to < livesUntil) return { lives, fault: `${kind} ${livesUntil - to} ms before its end` };
    if (lives) this.touched = { from, to };
    return { lives, fault: null };
  }

  /** What is wrong with its file: `null` if nothing is. */
  async read(server: RemoteCalls, witness: Witness): Promise<string | null> {
    const bytes = await server.download(this.resourceId).catch((error: Error) => error.message);
    if (witness.now() >= this.livesUntil || bytes === FILE_BYTES) return null;
    return `its file cannot be read (${bytes}) ${this.livesUntil - witness.now()} ms before its end`;
  }
}
