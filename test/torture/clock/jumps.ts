import { mkdtemp, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CampaignContext, CampaignResult } from '../campaign.ts';
import { runCli } from '../remote/cli.ts';
import { RemoteServer } from '../remote/remote-server.ts';
import { Client, LIMITS } from './client.ts';
import { Machine } from './machine.ts';
import { Population } from './population.ts';
import { Witness } from './witness.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
const SHIFTS_MS = [HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, YEAR_MS, -YEAR_MS];
/** Seven and six have no common divisor: in forty-two rounds, each way of jumping meets each span. */
const WAYS = ['running', 'sleep', 'restart', 'running', 'running', 'sleep', 'boot'] as const;
const ALL = WAYS.length * SHIFTS_MS.length;

const CLEANUP_MS = 3000;
const WITNESSES = 6;
/** By so much the time of two processes may differ: each rounds it, and reads a sleep for itself. */
const ROUNDING_MS = 20;
/** A server checks the clock once a second. */
const NOTICED_MS = 2500;

/** Rounds of jumps of the wall clock: under a running server, between two of its starts, over a boot, and in a sleep. */
export class Jumps {
  private readonly context: CampaignContext;
  private readonly folder: string;
  private root = '';
  private readonly machine: Machine;
  private readonly done = { running: 0, sleep: 0, restart: 0, boot: 0 };
  private server!: RemoteServer;
  private witness!: Witness;

  constructor(context: CampaignContext, folder: string) {
    this.context = context;
    this.folder = folder;
    this.machine = new Machine(join(folder, 'time.json'));
  }

  async run(): Promise<CampaignResult> {
    const { count, random, note } = this.context;
    await this.startAnew();
    const population = new Population(this.context);
    const first = Math.floor(random() * ALL);
    try {
      for (let round = first; round < first + count; round += 1) {
        const way = WAYS[round % WAYS.length] ?? 'running';
        const shiftMs = SHIFTS_MS[round % SHIFTS_MS.length] ?? 0;
        await this[way](shiftMs, population);
        this.done[way] += 1;
      }
    } finally {
      await population.stop();
      await this.server.stop();
      this.witness.close();
    }
    const { running, sleep: sleeps, restart, boot } = this.done;
    note(
      `${running} jumps under a running server and a new command, ${restart} over a restart, ${boot} over a boot, ${sleeps} sleeps of the machine`,
    );
    note(`meanwhile ${population.requests} requests of ${population.sessions} sessions`);
    return { tried: count };
  }

  /** There and back, with clients at work, and a command that starts in between. */
  private async running(shiftMs: number, population: Population): Promise<void> {
    population.start(this.server.ask, this.witness);
    await sleep(300);
    this.machine.setWall(shiftMs);
    await this.agePrints(shiftMs);
    await this.command(['cleanup', '--json']);
    this.checkStamps(`a jump of ${spanOf(shiftMs)}`);
    await this.checkDoubted(`a jump of ${spanOf(shiftMs)}`);
    this.machine.setWall(0);
    await this.command(['list', '--json']);
    await sleep(300);
    this.checkStamps('the jump back');
    await population.stop();
  }

  /** Its clients come back when it wakes up: whoever was idle in its sleep must begin anew. */
  private async sleep(shiftMs: number): Promise<void> {
    const clients = await this.openWitnesses();
    const lengthMs = Math.abs(shiftMs) >= DAY_MS ? Math.abs(shiftMs) : LIMITS.idleMs * 1.5;
    this.machine.sleep(lengthMs);
    // Processes read the file of the time at most every two milliseconds.
    await sleep(10);
    for (const client of clients) {
      const { lives, fault } = await client.request(this.server.ask, this.witness);
      if (fault ?? lives)
        this.context.violation(`After a sleep of ${spanOf(lengthMs)}, a session was ${fault ?? 'served'}`);
    }
    await this.command(['cleanup', '--json']);
    this.checkStamps(`a sleep of ${spanOf(lengthMs)}`);
  }

  /** The server or the command has noticed, and told the others. */
  private async checkDoubted(what: string): Promise<void> {
    for (let waited = 0; waited < NOTICED_MS && !this.witness.isDoubted(); waited += 50) await sleep(50);
    if (!this.witness.isDoubted()) this.context.violation(`After ${what}, nobody doubts the clock`);
  }

  private async restart(shiftMs: number): Promise<void> {
    const clients = await this.openWitnesses();
    await this.server.stop();
    this.machine.setWall(shiftMs);
    this.server = await this.startServer();
    await this.server.ask.cleanUp();
    await this.checkAlive(clients, `a restart ${spanOf(shiftMs)} off`);
    await this.followToTheEnd(clients);
    this.checkStamps(`a restart ${spanOf(shiftMs)} off`);
    this.machine.setWall(0);
  }

  /**
   * A boot whose wall clock is behind goes on where the last one ended. One that is an hour ahead is believed; one that is
   * a day ahead or more too, but for ten minutes nothing is deleted unless an operator trusts the clock.
   */
  private async boot(shiftMs: number): Promise<void> {
    const clients = await this.openWitnesses();
    await this.server.stop();
    this.machine.boot(shiftMs);
    this.server = await this.startServer();
    const what = `a boot ${spanOf(shiftMs)} off`;
    if (shiftMs < 0) {
      await this.server.ask.cleanUp();
      await this.checkAlive(clients, what);
      await this.followToTheEnd(clients);
    } else {
      if (shiftMs >= DAY_MS) await this.checkKept(clients, what);
      await this.command(['clock', '--trust', '--yes', '--json']);
      await sleep(NOTICED_MS);
      await this.server.ask.cleanUp();
      for (const { id, resourceId } of clients) {
        const state = this.witness.stateOf(id);
        if (state === 'open') this.context.violation(`After ${what} and a trust, an old session is open`);
        if (this.witness.isOnDisk(id, resourceId)) {
          this.context.violation(`After ${what} and a trust, a file of an old session is there`);
        }
      }
    }
    this.checkStamps(what);
    // The store's time is where that boot took it, and will not come back: the next round is for another store.
    await this.server.stop();
    this.witness.close();
    await this.startAnew();
  }

  /** While the clock is in doubt: what looks over is refused, and nothing of it goes, whoever cleans up. */
  private async checkKept(clients: readonly Client[], what: string): Promise<void> {
    await this.server.ask.cleanUp();
    for (const client of clients) {
      const { lives, fault } = await client.request(this.server.ask, this.witness);
      if (fault ?? lives) this.context.violation(`After ${what}, a session was ${fault ?? 'served'}`);
    }
    await this.command(['cleanup', '--json']);
    const kept = clients.map(
      ({ id, resourceId }) => this.witness.stateOf(id) === 'open' && this.witness.isOnDisk(id, resourceId),
    );
    const gone = kept.filter((isKept) => !isKept).length;
    if (gone > 0) this.context.violation(`After ${what}, ${gone} sessions or files were gone at once`);
  }

  private async checkAlive(clients: readonly Client[], what: string): Promise<void> {
    for (const client of clients) {
      const { fault } = await client.request(this.server.ask, this.witness);
      const missing = await client.read(this.server.ask, this.witness);
      if (fault) this.context.violation(`After ${what}, a session was ${fault}`);
      if (missing) this.context.violation(`After ${what}, of a live session, ${missing}`);
    }
  }

  /** Until the limits are reached: not sooner, and not later. */
  private async followToTheEnd(clients: readonly Client[]): Promise<void> {
    await Promise.all(
      clients.map(async (client) => {
        for (let lives = true; lives;) {
          await sleep(this.context.random() * LIMITS.idleMs * 0.6);
          const looked = await client.request(this.server.ask, this.witness);
          if (looked.fault) this.context.violation(`A session was ${looked.fault}`);
          ({ lives } = looked);
        }
      }),
    );
  }

  private checkStamps(what: string): void {
    const aheadMs = this.witness.newestStamp() - this.witness.now();
    if (aheadMs > ROUNDING_MS) this.context.violation(`After ${what}, a stamp is ${spanOf(aheadMs)} ahead`);
  }

  /** Times of files that the new wall clock, or none at all, would have given them. */
  private async agePrints(shiftMs: number): Promise<void> {
    const time = (Date.now() + shiftMs) / 1000;
    for (const path of await this.witness.files()) await utimes(path, time, time).catch(() => {});
  }

  private async command(args: readonly string[]): Promise<void> {
    const settings = { SESSION_CLEANUP_INTERVAL: String(CLEANUP_MS / 1000) };
    const { code, stderr } = await runCli(this.root, args, { ...this.machine.environment, ...settings });
    if (code !== 0) this.context.violation(`${args.join(' ')} exits with ${code}: ${stderr.slice(0, 300)}`);
  }

  private openWitnesses(): Promise<Client[]> {
    return Promise.all(Array.from({ length: WITNESSES }, () => Client.open(this.server.ask, this.witness)));
  }

  private async startAnew(): Promise<void> {
    this.machine.boot(0);
    this.root = await mkdtemp(join(this.folder, 'root-'));
    this.server = await this.startServer();
    this.witness = new Witness(this.root, this.machine);
  }

  private startServer(): Promise<RemoteServer> {
    const options = {
      maxIdleSeconds: LIMITS.idleMs / 1000,
      maxDurationSeconds: LIMITS.durationMs / 1000,
      cleanupIntervalSeconds: CLEANUP_MS / 1000,
    };
    const settings = { root: this.root, options, cleansUp: true };
    return RemoteServer.start(settings, { env: { ...process.env, ...this.machine.environment } });
  }
}

function spanOf(ms: number): string {
  return `${ms < 0 ? '-' : '+'}${Math.abs(ms) >= HOUR_MS ? `${Math.abs(ms) / HOUR_MS} h` : `${Math.abs(ms)} ms`}`;
}
