import type { CampaignContext } from '../campaign.ts';
import type { Child } from '../processes/child.ts';
import { pause } from '../processes/scratch.ts';
import type { Ground } from './grounds.ts';
import type { Acted, Asked, Deed, Seen } from './login-process.ts';

/** A replaced token is served by the other process no longer than that. */
const ELSEWHERE_MS = 1000;
/** So long after a round began, the last of the slow requests act. */
const LONGEST_MS = 1600;
/** The longest upload. */
const LONGEST_UPLOAD_MS = 300;
const USERS = ['ada', 'eve', 'bob'];

export interface Scene {
  readonly context: CampaignContext;
  readonly ground: Ground;
  readonly processes: readonly [Child, Child];
}

/** A request that was let in with the planted token, and acts later. */
interface Slow {
  readonly by: Child;
  readonly handle: number;
}

export interface Tally {
  logins: number;
  regenerates: number;
  restarts: number;
  refused: number;
  restored: number;
  ended: number;
  landed: number;
  cutOff: number;
}

/**
 * One session whose token several have: its planter and those who log in with it, in two processes. Whoever gets a token is
 * to get one of a session of their own, and whoever does not is out: for writes at once, for reads within a second.
 */
export class LoginRound {
  private readonly scene: Scene;
  private readonly tally: Tally;
  private sessionId = '';
  private planted = '';
  /** Whose the session is before the round: of somebody who forgot to log out. */
  private owner: string | null = null;
  /** When the planted token was replaced first, since the round or the restore began. */
  private replacedAt: number | null = null;
  private winner: Slow | null = null;
  /** Whether the login that won ended the session, and went into a new one. */
  private isRestarted = false;
  private uploads: { readonly slow: Slow; readonly acted: Acted }[] = [];
  private readonly granted: { readonly token: string; readonly userId: string | null }[] = [];

  constructor(scene: Scene, tally: Tally) {
    this.scene = scene;
    this.tally = tally;
  }

  async play(): Promise<void> {
    const { random } = this.scene.context;
    const { id, token } = await this.anyProcess().ask<{ id: string; token: string }>('open');
    this.sessionId = id;
    this.planted = token;
    if (random() < 0.4) await this.giveTo('zoe');
    const putBack = random() < 0.25 ? await this.scene.ground.keep(id) : null;
    await this.race(putBack === null && random() < 0.2);
    if (putBack && !this.isRestarted) {
      await putBack();
      this.tally.restored += 1;
      await this.raceAfterRestore();
    }
    await this.checkGranted();
  }

  private async giveTo(owner: string): Promise<void> {
    const [slow] = await this.letIn(1);
    const acted = slow && (await this.ask(slow, 'login', owner));
    if (!acted?.token) throw new Error(`A first login came to ${acted?.outcome ?? 'nothing'}`);
    this.planted = acted.token;
    this.owner = owner;
  }

  /** Several who were let in with the planted token act at once, and some of them late. */
  private async race(isEnded: boolean): Promise<void> {
    const { random } = this.scene.context;
    const slow = await this.letIn(5);
    const late = await this.letIn(3);
    const uploaders = await this.letIn(3);
    const ending = isEnded ? this.endAt(random() * 20) : null;
    await Promise.all([
      ...slow.map(async (each, index) => {
        await pause(random() * 5);
        await this.act(each, this.writeOf(index), USERS[index % USERS.length] ?? '');
      }),
      ...late.map(async (each, index) => {
        await pause(random() * LONGEST_MS);
        await this.act(each, index === 0 ? this.writeOf(index) : 'describe', 'mallory');
      }),
      // Of those that log in, too: what the winner has begun goes on.
      ...[...uploaders, ...slow.slice(0, 2)].map(async (each) => {
        await pause(random() * 10);
        await this.upload(each);
      }),
      ...late.slice(1).map(async (each) => {
        await pause(random() * LONGEST_MS);
        await this.upload(each);
      }),
      this.watch(),
      ending,
    ]);
    await this.checkUploads(isEnded);
  }

  private async upload(slow: Slow): Promise<void> {
    const ms = Math.round(this.scene.context.random() * LONGEST_UPLOAD_MS);
    this.uploads.push({ slow, acted: await this.ask(slow, 'upload', '', ms) });
  }

  /** A file of whoever has not got the new token is in the session only if it was there before. */
  private async checkUploads(isEnded: boolean): Promise<void> {
    const landed = new Set<string>();
    for (const { slow, acted } of this.uploads) {
      const { outcome, fileId, askedAt } = acted;
      const isWinner = this.winner?.by === slow.by && this.winner.handle === slow.handle;
      if (outcome === 'done') {
        landed.add(fileId ?? '');
        this.tally.landed += 1;
        const isLate = this.replacedAt !== null && askedAt > this.replacedAt;
        if (isLate && !isWinner) this.violation('an upload under a replaced token landed');
        continue;
      }
      this.tally.cutOff += 1;
      const isExpected = outcome === 'SESSION_GONE' || (outcome === 'SESSION_STALE' && !isWinner);
      if (!isExpected && !isEnded && !this.isRestarted) this.violation(`an upload came to ${outcome}`);
    }
    const files = await this.anyProcess().ask<string[]>('files', this.sessionId);
    if (files.some((id) => !landed.has(id)))
      this.violation('the session has a file of an upload that failed');
    this.uploads = [];
  }

  /** The store has forgotten the login. Its object, and its token, must not get into the session of the next one. */
  private async raceAfterRestore(): Promise<void> {
    const before = this.winner;
    const old = this.granted.at(0);
    this.winner = null;
    this.replacedAt = null;
    // What processes remember of the lost login is trusted for so long.
    await pause(ELSEWHERE_MS);
    const slow = await this.letIn(2);
    await Promise.all(slow.map((each) => this.act(each, this.owner === null ? 'login' : 'restart', 'carol')));
    if (!before || !this.winner) return;
    for (const deed of ['describe', 'upload', 'regenerate', 'login', 'restart'] as const) {
      const acted = await this.ask(before, deed, old?.userId ?? 'ada');
      if (acted.outcome === 'done') this.violation(`an object of before a lost write may ${deed}`);
    }
  }

  /** As many objects of the session, in both processes. */
  private async letIn(count: number): Promise<Slow[]> {
    const slow = await Promise.all(
      Array.from({ length: count }, async (): Promise<Slow | null> => {
        const by = this.anyProcess();
        const handle = await by.ask<number | null>('hold', this.planted);
        return handle === null ? null : { by, handle };
      }),
    );
    return slow.filter((each) => each !== null);
  }

  private writeOf(index: number): Deed {
    const { random } = this.scene.context;
    if (index === 0 && random() < 0.3) return 'regenerate';
    return random() < 0.3 ? 'restart' : 'login';
  }

  private async act(slow: Slow, deed: Deed, userId: string): Promise<void> {
    const wasReplacedAt = this.replacedAt;
    const acted = await this.ask(slow, deed, userId);
    if (acted.outcome !== 'done') {
      this.tally.refused += 1;
      const isExpected = ['SESSION_STALE', 'SESSION_GONE', 'SESSION_TAKEN'].includes(acted.outcome);
      if (!isExpected) this.violation(`${deed} came to ${acted.outcome}`);
      return;
    }
    if (deed === 'describe') return this.checkRead(acted, wasReplacedAt);
    if (this.winner) this.violation(`${deed} with a replaced token landed`);
    this.winner = slow;
    this.replacedAt ??= acted.at;
    this.granted.push({ token: acted.token ?? '', userId: deed === 'regenerate' ? this.owner : userId });
    if (deed === 'regenerate') this.tally.regenerates += 1;
    else this.tally.logins += 1;
    this.isRestarted = acted.sessionId !== this.sessionId;
    if (this.isRestarted) this.tally.restarts += 1;
  }

  private checkRead({ askedAt, userId }: Acted, replacedAt: number | null): void {
    if (replacedAt !== null && askedAt > replacedAt) {
      this.violation(`a description was read ${Math.round(askedAt - replacedAt)} ms after the new token`);
    }
    if (userId !== this.owner) this.violation(`a planter read the session of ${userId ?? 'nobody'}`);
  }

  /** Requests with the planted token go on meanwhile, in both processes. */
  private async watch(): Promise<void> {
    const until = performance.now() + LONGEST_MS;
    while (performance.now() < until) {
      for (const process of this.scene.processes) {
        const replacedAt = this.replacedAt;
        const { kind, userId, askedAt } = await process.ask<Seen>('request', this.planted);
        if (kind !== 'live' || replacedAt === null) continue;
        if (userId !== this.owner) this.violation(`the planted token is served as ${userId ?? 'nobody'}`);
        if (askedAt > replacedAt + ELSEWHERE_MS) this.violation('the planted token is served a second later');
      }
      await pause(100);
    }
  }

  private async endAt(ms: number): Promise<void> {
    await pause(ms);
    if (await this.anyProcess().ask<boolean>('end', this.sessionId)) this.tally.ended += 1;
  }

  /** Whoever has a token has one of a session of their own, or one of none. */
  private async checkGranted(): Promise<void> {
    for (const { token, userId } of this.granted) {
      for (const process of this.scene.processes) {
        const seen = await process.ask<Seen>('request', token);
        if (seen.kind !== 'live' || seen.userId === userId) continue;
        this.violation(`${userId ?? 'a planter'} has a token of a session of ${seen.userId ?? 'nobody'}`);
      }
    }
  }

  private ask({ by, handle }: Slow, deed: Deed, userId: string, ms = 0): Promise<Acted> {
    return by.ask<Acted>('act', { handle, deed, userId, ms } satisfies Asked);
  }

  private anyProcess(): Child {
    const [one, other] = this.scene.processes;
    return this.scene.context.random() < 0.5 ? one : other;
  }

  private violation(message: string): void {
    this.scene.context.violation(`${this.scene.ground.name}: ${message}`);
  }
}
