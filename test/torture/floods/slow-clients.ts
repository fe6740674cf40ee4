import { connect, type Socket } from 'node:net';
import type { CampaignContext } from '../campaign.ts';
import { Child } from '../processes/child.ts';
import { Database } from '../processes/database.ts';
import type { ServerSetUp } from '../processes/nest-server.ts';
import { holdsWithin, percentile, withFolder } from '../processes/scratch.ts';
import { Visitor } from '../processes/visitor.ts';
import { KnownUsers } from './known-users.ts';

/** Short, so that the campaign need not wait for what an hour of patience would show as well. */
const PATIENCE_SECONDS = 2;
/** By then the last of them is gone: patience, twice where a stalled reader is told by its last byte, and the looks. */
const CLOSED_WITHIN_MS = 20_000;
const USERS = 20;
const FILE_BYTES = 12 * 1024 * 1024;
const DRIP_MS = 200;
/** How long users may have to wait while all this goes on. */
const UNHARMED_MS = 500;

type Kind = (typeof KINDS)[number];
const KINDS = [
  'slow head',
  'slow body',
  'silent',
  'stuck download',
  'stuck event stream',
  'stuck WebSocket',
] as const;

/** Clients that hold a server up by doing next to nothing, on a server with users; how many there were. */
export async function sendSlowClients(
  context: CampaignContext,
  adapter: ServerSetUp['adapter'],
  ofEachKind: number,
): Promise<number> {
  return withFolder(async (root) => {
    const setUp: ServerSetUp = {
      adapter,
      options: {
        storagePath: root,
        openRate: 0,
        maxUnconfirmedPerNetwork: 0,
        maxSessionsPerNetwork: 0,
        minFreeBytes: 0,
        ballastBytes: 0,
        uploadIdleSeconds: PATIENCE_SECONDS,
        downloadIdleSeconds: PATIENCE_SECONDS,
      },
      bounds: { headersSeconds: PATIENCE_SECONDS, bodySeconds: PATIENCE_SECONDS },
    };
    const server = await Child.start(new URL('../processes/nest-server.ts', import.meta.url), setUp);
    try {
      const port = await server.ask<number>('port');
      const users = await KnownUsers.begin(port, USERS);
      await users.hurry(USERS * 10);
      const { visitor } = await Visitor.begin(port, '198.51.100.1');
      const fileId = await visitor.upload(Buffer.alloc(FILE_BYTES, 1));
      const before = server.countDescriptors();

      const clients = KINDS.flatMap((kind) =>
        Array.from({ length: ofEachKind }, () => new SlowClient(kind, visitor, String(fileId))),
      );
      const waits: number[] = [];
      const deadline = performance.now() + CLOSED_WITHIN_MS;
      while (clients.some(({ isOpen }) => isOpen) && performance.now() < deadline) {
        await users.work(200, waits);
        const open = new Set(await server.ask<number[]>('connections'));
        for (const client of clients) client.look(open);
      }

      judgeClosed(context, adapter, clients);
      judgeUsers(context, adapter, waits);
      await judgeLeft(context, adapter, { root, server, before });
      for (const loss of await users.losses()) context.violation(`${adapter}: ${loss}`);
      for (const client of clients) client.close();
      users.close();
      visitor.close();
      return clients.length;
    } finally {
      await server.kill();
    }
  });
}

/**
 * One connection that keeps the server waiting in its own way. Whether it is open is for the server to say: who takes
 * nothing does not hear of the end either.
 */
class SlowClient {
  readonly kind: Kind;
  openMs: number | null = null;
  private readonly socket: Socket;
  private readonly openedAt = performance.now();
  private wasSeen = false;
  private drip: NodeJS.Timeout | undefined;

  constructor(kind: Kind, visitor: Visitor, fileId: string) {
    this.kind = kind;
    this.socket = connect({ host: '127.0.0.1', port: visitor.port });
    this.socket.on('error', () => {});
    const lines = Object.entries({ host: 'torture', ...visitor.headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    this.begin(lines.join(''), fileId);
  }

  get isOpen(): boolean {
    return this.openMs === null;
  }

  /** Takes note of what connections the server has now. */
  look(open: ReadonlySet<number>): void {
    if (open.has(this.socket.localPort ?? -1)) this.wasSeen = true;
    else if (this.wasSeen) this.openMs ??= performance.now() - this.openedAt;
  }

  close(): void {
    clearInterval(this.drip);
    this.socket.destroy();
  }

  private begin(headers: string, fileId: string): void {
    const { socket } = this;
    switch (this.kind) {
      case 'silent':
        socket.resume();
        break;
      case 'slow head':
        socket.resume().write(`GET /page HTTP/1.1\r\n${headers}x-slow: `);
        this.dripBytes();
        break;
      case 'slow body':
        socket
          .resume()
          .write(
            `POST /echo HTTP/1.1\r\n${headers}content-type: application/json\r\ncontent-length: 90000\r\n\r\n"`,
          );
        this.dripBytes();
        break;
      case 'stuck download':
        this.takeNothingOf(`GET /files/${fileId} HTTP/1.1\r\n${headers}\r\n`);
        break;
      case 'stuck event stream':
        this.takeNothingOf(`GET /flood HTTP/1.1\r\n${headers}\r\n`);
        break;
      case 'stuck WebSocket':
        this.takeNothingOf(
          `GET /flood HTTP/1.1\r\n${headers}connection: Upgrade\r\nupgrade: websocket\r\n` +
            'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
        );
        break;
    }
  }

  private dripBytes(): void {
    this.drip = setInterval(() => this.socket.write('x'), DRIP_MS);
  }

  private takeNothingOf(request: string): void {
    this.socket.pause().write(request);
  }
}

function judgeClosed(
  { note, violation }: CampaignContext,
  adapter: string,
  clients: readonly SlowClient[],
): void {
  const told = KINDS.map((kind) => {
    const ofKind = clients.filter((client) => client.kind === kind);
    const open = ofKind.filter(({ isOpen }) => isOpen).length;
    if (open > 0) violation(`${adapter}: ${open} of ${ofKind.length} are still open: ${kind}`);
    return `${kind} ${(Math.max(...ofKind.map(({ openMs }) => openMs ?? Infinity)) / 1000).toFixed(1)} s`;
  });
  note(`${adapter}, patience ${PATIENCE_SECONDS} s, the last of each closed after: ${told.join(', ')}`);
}

function judgeUsers({ note, violation }: CampaignContext, adapter: string, waits: readonly number[]): void {
  const p99 = percentile(waits, 0.99);
  note(`${adapter}: users among them waited ${p99.toFixed(1)} ms (p99 of ${waits.length})`);
  if (p99 > UNHARMED_MS) violation(`${adapter}: users waited ${p99.toFixed(1)} ms among slow clients`);
}

async function judgeLeft(
  { violation }: CampaignContext,
  adapter: string,
  { root, server, before }: { root: string; server: Child; before: number },
): Promise<void> {
  const database = new Database(root);
  const left = (): Record<string, number> => ({
    streams: database.number("SELECT count(*) FROM resources WHERE type = 'stream'"),
    uses: database.number('SELECT count(*) FROM uses'),
    descriptors: Math.max(0, server.countDescriptors() - before),
  });
  await holdsWithin(10_000, () => Object.values(left()).every((count) => count === 0));
  for (const [what, count] of Object.entries(left())) {
    if (count > 0) violation(`${adapter}: ${count} ${what} left of slow clients`);
  }
  database.close();
}
