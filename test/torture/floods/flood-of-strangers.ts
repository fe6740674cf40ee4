import type { CampaignContext } from '../campaign.ts';
import { Child } from '../processes/child.ts';
import { Database } from '../processes/database.ts';
import type { ServerSetUp } from '../processes/nest-server.ts';
import { pause, percentile, withFolder } from '../processes/scratch.ts';
import type { FlooderSetUp, FloodAsked, FloodTold } from './flooder.ts';
import { KnownUsers } from './known-users.ts';

/** What two cores carry beside everything else: the server, not the machine, is what is tested. */
const RATE = 500;
const CYCLES = 10;
const QUIET_MS = 4000;
const USERS = 100;
/** Requests for each place in the store: ten times as many as there are. */
const PRESSURE = 10;
const LEAST_PLACES = 200;
/** Requests that bring the server's heap to its working size, and leave nothing: those of known users. */
const WARM_UP = 4000;
const MOST_GROWTH_BYTES = 50 * 1024 * 1024;
/** A user at most waits twice as long, or as long as nobody notices where that is next to nothing. */
const MOST_SLOWDOWN = 2;
const UNNOTICED_MS = 10;
/** Fewer say nothing of one in a hundred. */
const LEAST_WAITS = 1000;
const LOOK_MS = 100;

/** Requests without a cookie to a real server, while known users go on working; how many there were. */
export async function floodWithStrangers(context: CampaignContext): Promise<number> {
  return withFolder(async (root) => {
    const maxSessions = Math.max(LEAST_PLACES, Math.floor(context.count / PRESSURE));
    const setUp: ServerSetUp = {
      adapter: 'express',
      options: { storagePath: root, maxSessions, minFreeBytes: 0, ballastBytes: 0 },
    };
    const server = await Child.start(new URL('../processes/nest-server.ts', import.meta.url), setUp);
    const children = [server];
    try {
      const port = await server.ask<number>('port');
      const flooderSetUp: FlooderSetUp = { port, rate: RATE };
      const flooder = await Child.start(new URL('flooder.ts', import.meta.url), flooderSetUp);
      children.push(flooder);
      const users = await KnownUsers.begin(port, USERS);
      const watch = new OpenSessionsWatch(root, maxSessions);
      await users.hurry(WARM_UP);

      const before = await server.ask<NodeJS.MemoryUsage>('memory');
      const measured = await alternate(context, flooder, users);
      const after = await server.ask<NodeJS.MemoryUsage>('memory');

      judgeMemory(context, before.rss, after.rss);
      judgeAnswers(context, measured.told);
      judgeWaits(context, measured);
      watch.judge(context);
      for (const loss of await users.losses()) context.violation(loss);
      users.close();
      return context.count;
    } finally {
      await Promise.all(children.map((child) => child.kill()));
    }
  });
}

interface Measured {
  readonly quiet: number[];
  readonly flooded: number[];
  readonly told: FloodTold[];
}

/** Users alone, then users in the flood, in turn: what else the machine does is the same for both. */
async function alternate(context: CampaignContext, flooder: Child, users: KnownUsers): Promise<Measured> {
  const measured: Measured = { quiet: [], flooded: [], told: [] };
  const cycles = Math.min(CYCLES, Math.ceil(context.count / 1000));
  const requests = Math.ceil(context.count / cycles);
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    await users.work(Math.min(QUIET_MS, (requests / RATE) * 1000), measured.quiet);
    let isFlooding = true;
    const flooding = flood(flooder, requests).finally(() => (isFlooding = false));
    while (isFlooding) await users.work(200, measured.flooded);
    measured.told.push(await flooding);
    await pause(200);
  }
  return measured;
}

function flood(flooder: Child, requests: number): Promise<FloodTold> {
  const asked: FloodAsked = { requests, fromOneNetwork: 30 };
  return flooder.ask<FloodTold>('flood', asked);
}

function judgeMemory({ note, violation }: CampaignContext, before: number, after: number): void {
  const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  note(`memory of the server, all garbage gone: ${mib(before)} before, ${mib(after)} after`);
  if (after - before >= MOST_GROWTH_BYTES) violation(`memory grew by ${mib(after - before)}`);
}

function judgeAnswers({ note, violation }: CampaignContext, told: readonly FloodTold[]): void {
  const byStatus: Record<string, number> = {};
  for (const [status, times] of told.flatMap((one) => Object.entries(one.byStatus))) {
    byStatus[status] = (byStatus[status] ?? 0) + times;
  }
  const cookies = told.reduce((sum, one) => sum + one.cookies, 0);
  const requests = Object.values(byStatus).reduce((sum, times) => sum + times, 0);
  const seconds = told.reduce((sum, one) => sum + one.ms, 0) / 1000;
  note(
    `${requests} requests without a cookie, ${Math.round(requests / seconds)} a second; ${cookies} began a session`,
  );
  for (const [status, times] of Object.entries(byStatus)) {
    if (status !== '200') violation(`${times} requests of strangers were answered ${status}`);
  }
}

function judgeWaits({ note, violation }: CampaignContext, { quiet, flooded }: Measured): void {
  const [alone, inFlood] = [quiet, flooded].map((waits) => percentile(waits, 0.99)) as [number, number];
  const medians = [quiet, flooded].map((waits) => percentile(waits, 0.5).toFixed(1));
  note(
    `known users' p99: ${alone.toFixed(1)} ms alone, ${inFlood.toFixed(1)} ms in the flood ` +
      `(medians ${medians.join(' and ')} ms; ${quiet.length} and ${flooded.length} requests, in turns of a few seconds, ` +
      `from another process than the flood's)`,
  );
  if (Math.min(quiet.length, flooded.length) < LEAST_WAITS) return;
  if (inFlood > Math.max(MOST_SLOWDOWN * alone, UNNOTICED_MS)) {
    violation(`known users' p99 went from ${alone.toFixed(1)} ms to ${inFlood.toFixed(1)} ms`);
  }
}

/** Looks all the time how many sessions are open. */
class OpenSessionsWatch {
  private readonly database: Database;
  private readonly timer: NodeJS.Timeout;
  private readonly cap: number;
  private most = 0;
  private looks = 0;

  constructor(root: string, cap: number) {
    this.cap = cap;
    this.database = new Database(root);
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  judge({ note, violation }: CampaignContext): void {
    clearInterval(this.timer);
    this.look();
    const pages = this.database.number('PRAGMA page_count') * this.database.number('PRAGMA page_size');
    this.database.close();
    note(
      `at most ${this.most} open sessions of ${this.cap} (${this.looks} looks); ` +
        `the database takes ${(pages / 1024 / 1024).toFixed(1)} MiB`,
    );
    if (this.most > this.cap) violation(`${this.most} sessions were open, of ${this.cap}`);
    if (this.most < this.cap * 0.99) violation(`the cap of ${this.cap} was never reached: ${this.most}`);
  }

  private look(): void {
    this.looks += 1;
    this.most = Math.max(
      this.most,
      this.database.number("SELECT count(*) FROM sessions WHERE state = 'open'"),
    );
  }
}
