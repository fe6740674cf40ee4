// A crowd without cookies: requests at a fixed rate over a few connections that are kept, from as many networks as wanted.
import { connect, type Socket } from 'node:net';
import { answerQuestions } from '../processes/answering.ts';

export interface FlooderSetUp {
  readonly port: number;
  /** Requests a second. */
  readonly rate: number;
}

export interface FloodAsked {
  readonly requests: number;
  /** How many of the first ones come from one network alone, in per cent; the others from ever new ones. */
  readonly fromOneNetwork: number;
}

export interface FloodTold {
  readonly byStatus: Readonly<Record<string, number>>;
  readonly cookies: number;
  readonly ms: number;
}

const CONNECTIONS = 32;
const TICK_MS = 5;
/** Fewer than the server takes over one. */
const REQUESTS_PER_CONNECTION = 900;

let setUp: FlooderSetUp;
let networks = 0;

answerQuestions(
  {
    start: (asked: FlooderSetUp) => void (setUp = asked),
    flood: (asked: FloodAsked) => new Flood(asked).run(),
  },
  async () => {},
);

class Flood {
  private readonly asked: FloodAsked;
  private readonly idle: Connection[] = [];
  private readonly byStatus: Record<string, number> = {};
  private cookies = 0;
  private begun = 0;
  private ended = 0;

  constructor(asked: FloodAsked) {
    this.asked = asked;
    for (let opened = 0; opened < CONNECTIONS; opened += 1) this.idle.push(this.connection());
  }

  async run(): Promise<FloodTold> {
    const startedAt = performance.now();
    while (this.ended < this.asked.requests) {
      const due = Math.min(this.asked.requests, ((performance.now() - startedAt) * setUp.rate) / 1000);
      // In turn: one that waited long would be written to in the very moment in which the server closes it.
      while (this.begun < due && this.idle.length > 0) this.ask(this.idle.shift()!);
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    for (const connection of this.idle) connection.close();
    return { byStatus: this.byStatus, cookies: this.cookies, ms: performance.now() - startedAt };
  }

  private ask(connection: Connection): void {
    const isOfOne = this.begun % 100 < this.asked.fromOneNetwork;
    this.begun += 1;
    connection.ask(isOfOne ? '203.0.113.7' : newNetwork());
  }

  private connection(): Connection {
    const connection = new Connection((status, hasCookie) => {
      this.ended += 1;
      this.byStatus[status] = (this.byStatus[status] ?? 0) + 1;
      if (hasCookie) this.cookies += 1;
      if (connection.isWorn) connection.close();
      this.idle.push(connection.isWorn ? this.connection() : connection);
    });
    return connection;
  }
}

/** One kept connection, with one request at a time. */
class Connection {
  private readonly socket: Socket;
  private received = '';
  private requests = 0;
  private isWaiting = false;

  constructor(answered: (status: string, hasCookie: boolean) => void) {
    this.socket = connect({ host: '127.0.0.1', port: setUp.port, noDelay: true });
    const end = (status: string, hasCookie: boolean): void => {
      if (!this.isWaiting) return;
      this.isWaiting = false;
      answered(status, hasCookie);
    };
    this.socket.setEncoding('latin1').on('data', (text: string) => {
      this.received += text;
      const bodyAt = this.received.indexOf('\r\n\r\n') + 4;
      const length = Number(/content-length: (\d+)/i.exec(this.received)?.[1] ?? 0);
      if (bodyAt < 4 || this.received.length < bodyAt + length) return;
      const { received } = this;
      this.received = '';
      end(received.slice(9, 12), /set-cookie/i.test(received));
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.requests = REQUESTS_PER_CONNECTION;
      end('broken', false);
    });
  }

  get isWorn(): boolean {
    return this.requests >= REQUESTS_PER_CONNECTION;
  }

  ask(address: string): void {
    this.requests += 1;
    this.isWaiting = true;
    if (this.socket.destroyed) this.socket.emit('close');
    else {
      this.socket.write(
        `GET /page HTTP/1.1\r\nHost: torture\r\nUser-Agent: crowd\r\nX-Forwarded-For: ${address}\r\n\r\n`,
      );
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Each address of 10.0.0.0/8 is a network to the server. */
function newNetwork(): string {
  networks = (networks + 1) % 2 ** 24;
  return `10.${networks >> 16}.${(networks >> 8) & 255}.${networks & 255}`;
}
