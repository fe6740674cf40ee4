import type { SessionsOptions } from 'nest-sessions';
import { Child } from '../processes/child.ts';
import { holdsWithin, pause } from '../processes/scratch.ts';
import type { CampaignContext } from '../campaign.ts';
import type { Ground, Sums } from './grounds.ts';
import { OWN } from './grounds.ts';
import type { Outcome, UploadAsked } from './quota-process.ts';

const PROCESSES = 8;
const SESSIONS = 50;
/** The user whose sessions are empty when they log in: nothing may ever lie above these limits. */
const USER = 'ada';
/** The user whose logins bring files along, above the limits too. */
const OTHER = 'grace';
const QUOTA = { maxResourcesPerUser: 120, maxBytesPerUser: 1_000_000 };
const MOST_BYTES = 60_000;
const DEEDS_AT_ONCE = 6;
const DEEDS_PER_ROUND = 30;
const MOST_STARTS = 10;
const ADMITTED_WITHIN_MS = 10_000;
const QUOTA_PROCESS = new URL('quota-process.ts', import.meta.url);
const EXPECTED = new Set([
  'QUOTA_REACHED',
  'STORE_UNAVAILABLE',
  'SESSION_GONE',
  'RESOURCE_GONE',
  'UPLOAD_ABORTED',
]);

/** Eight processes that act for one user on one store, while somebody looks at all that the user holds. */
export class Race {
  uploads = 0;
  readonly outcomes = new Map<string, number>();
  looks = 0;
  readonly most = { resources: 0, bytes: 0 };
  kills = 0;
  private readonly ground: Ground;
  private readonly context: CampaignContext;
  private readonly processes: Child[] = [];
  private readonly sessions: string[] = [];
  private isOver = false;

  constructor(ground: Ground, context: CampaignContext) {
    this.ground = ground;
    this.context = context;
  }

  async run(uploads: number): Promise<void> {
    const first = await this.startProcess();
    this.processes.push(
      first,
      ...(await Promise.all(Array.from({ length: PROCESSES - 1 }, () => this.startProcess()))),
    );
    const watching = this.watch();
    try {
      while (this.sessions.length < SESSIONS) await this.open();
      while (this.uploads < uploads) await this.round();
      await this.settle();
    } finally {
      this.isOver = true;
      await watching;
      await Promise.all(this.processes.map((process) => process.stop()));
    }
  }

  /** As whoever runs servers does, it starts one again that lost an answer on its way up. */
  private async startProcess(): Promise<Child> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await Child.start(QUOTA_PROCESS, this.options());
      } catch (error) {
        if (attempt === MOST_STARTS) throw error;
      }
    }
  }

  private options(): SessionsOptions {
    return {
      ...this.ground.options,
      ...OWN,
      ...QUOTA,
      openRate: 0,
      maxUnconfirmedPerNetwork: 0,
      maxSessionsPerNetwork: 0,
      maxIdleSeconds: 3600,
      cleanupIntervalSeconds: 5,
      minFreeBytes: 0,
      ballastBytes: 0,
    };
  }

  /** Deeds of all processes at once, one of which may be killed meanwhile; then there must be room where there is room. */
  private async round(): Promise<void> {
    const victim = this.context.random() < 0.3 ? this.pick(this.processes) : null;
    const killing = victim && pause(this.context.random() * 300).then(() => this.kill(victim));
    await Promise.all(
      this.processes.map(async (process) => {
        for (let deed = 0; deed < DEEDS_PER_ROUND / DEEDS_AT_ONCE; deed += 1) {
          await Promise.all(Array.from({ length: DEEDS_AT_ONCE }, () => this.act(process)));
        }
      }),
    );
    await killing;
    await this.expectRoom();
    this.context.progress(this.uploads, this.context.count);
  }

  private async act(process: Child): Promise<void> {
    const chance = this.context.random();
    const sessionId = this.pick(this.sessions);
    if (chance < 0.7) {
      this.uploads += 1;
      const bytes = 1 + Math.floor(this.context.random() ** 2 * MOST_BYTES);
      await this.ask(process, 'upload', { sessionId, bytes, isCut: chance < 0.1 } satisfies UploadAsked);
    } else if (chance < 0.9) {
      await this.ask(process, 'release', sessionId);
    } else if (chance < 0.95) {
      this.sessions.splice(this.sessions.indexOf(sessionId), 1);
      await this.ask(process, 'end', sessionId);
      await this.open(process);
    } else {
      const brought = await this.ask(process, 'open', { userId: OTHER, bytes: MOST_BYTES });
      if (brought?.value !== undefined) await this.ask(process, 'end', brought.value);
    }
  }

  private async open(process = this.pick(this.processes)): Promise<void> {
    const { value } = (await this.ask(process, 'open', { userId: USER, bytes: 0 })) ?? {};
    if (value !== undefined) this.sessions.push(value);
  }

  /** What a process answers; `null` if it was killed. */
  private async ask(process: Child, question: string, about: unknown): Promise<Outcome | null> {
    const outcome = await process.ask<Outcome>(question, about).catch((error: unknown) => {
      if (process.isGone) return null;
      throw error;
    });
    const told = outcome === null ? 'killed' : (outcome.refused ?? 'done');
    this.outcomes.set(told, (this.outcomes.get(told) ?? 0) + 1);
    if (outcome?.refused && !EXPECTED.has(outcome.refused))
      this.context.violation(`${question}: ${outcome.refused}`);
    return outcome;
  }

  private async kill(process: Child): Promise<void> {
    await process.kill();
    this.kills += 1;
    this.processes[this.processes.indexOf(process)] = await this.startProcess();
  }

  /** A file that has room by the records of all sessions is admitted, though after lost answers. */
  private async expectRoom(): Promise<void> {
    while (this.sessions.length < SESSIONS) await this.open();
    let told: Outcome | null = null;
    let room = 0;
    const isAdmitted = await holdsWithin(ADMITTED_WITHIN_MS, async () => {
      const { summed } = await this.ground.look(USER);
      room = Math.min(QUOTA.maxBytesPerUser - summed.bytes, MOST_BYTES);
      if (room <= 0 || summed.resources >= QUOTA.maxResourcesPerUser) {
        await this.ask(this.pick(this.processes), 'release', this.pick(this.sessions));
        return false;
      }
      const about = { sessionId: this.pick(this.sessions), bytes: room, isCut: false };
      told = await this.ask(this.pick(this.processes), 'upload', about);
      return told?.refused === undefined;
    });
    if (!isAdmitted) {
      this.context.violation(
        `on ${this.ground.name}: ${room} bytes were refused though there is room: ${JSON.stringify(told)}`,
      );
    }
  }

  /** All the time: what is counted is what the records say, and never more than the limits. */
  private async watch(): Promise<void> {
    while (!this.isOver) {
      const { counted, summed } = await this.ground.look(USER);
      this.looks += 1;
      this.most.resources = Math.max(this.most.resources, summed.resources);
      this.most.bytes = Math.max(this.most.bytes, summed.bytes);
      this.expectEqual(USER, counted, summed);
      if (summed.bytes > QUOTA.maxBytesPerUser || summed.resources > QUOTA.maxResourcesPerUser)
        this.context.violation(`on ${this.ground.name}: beyond the quota: ${JSON.stringify(summed)}`);
      const other = await this.ground.look(OTHER);
      this.expectEqual(OTHER, other.counted, other.summed);
      await pause(5);
    }
  }

  private expectEqual(userId: string, counted: Sums, summed: Sums): void {
    if (JSON.stringify(counted) !== JSON.stringify(summed)) {
      this.context.violation(
        `on ${this.ground.name}: ${userId} counts for ${JSON.stringify(counted)}, by the records for ${JSON.stringify(summed)}`,
      );
    }
  }

  /** When all sessions are over, nobody counts for anything. */
  private async settle(): Promise<void> {
    const isSettled = await holdsWithin(ADMITTED_WITHIN_MS, async () => {
      await this.ask(this.pick(this.processes), 'endAll', USER);
      const { counted } = await this.ground.look(USER);
      return counted.sessions + counted.resources + counted.bytes === 0;
    });
    if (!isSettled) {
      const { counted } = await this.ground.look(USER);
      this.context.violation(`on ${this.ground.name}: at last ${USER} counts for ${JSON.stringify(counted)}`);
    }
  }

  private pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.context.random() * items.length)];
    if (item === undefined) throw new Error('There is nothing to pick from');
    return item;
  }
}
