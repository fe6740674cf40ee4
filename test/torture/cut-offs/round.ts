import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Session } from '#sessions/core/handles/session';
import { FILE, MAX_FILES, type Grounds } from './grounds.ts';
import type { Deed } from './stops.ts';

export const ACTS = ['upload', 'adoption', 'download', 'stream', 'claim', 'lend'] as const;
/** They begin with a file that the session has. */
const ACTS_ON_A_FILE: readonly string[] = ['download', 'claim', 'lend'];
export type Act = (typeof ACTS)[number];
export const DEEDS = ['end', 'login', 'eviction', 'release'] as const;
export type DeedName = (typeof DEEDS)[number];

/** What must not happen. */
export type Faults = string[];

const CHUNKS = 4;
const CLAIMED = 'claimed.wav';
/** So often judges look again, every 5 ms. */
const MOST_TRIES = 400;

/** One act of one session, with deeds at some of its stops; answers how many stops it had, and what went wrong. */
export async function playRound(
  grounds: Grounds,
  act: Act,
  deeds: readonly { readonly name: DeedName; readonly at: number }[],
): Promise<{ stops: readonly string[]; faults: Faults }> {
  const { stops } = grounds;
  const { session, other } = await grounds.open();
  const before = ACTS_ON_A_FILE.includes(act) ? [(await grounds.write({ id: session.id })).id] : [];
  const round = new Round(grounds, session, other, before);
  stops.start(
    deeds.map(({ name, at }): Deed => ({ at, run: () => round.do(name) })),
    () => round.isCutOff,
  );
  await round[act]();
  await stops.finish();
  await round.judge();
  return { stops: [...stops.names], faults: round.faults };
}

class Round {
  readonly faults: Faults = [];
  private readonly grounds: Grounds;
  private readonly session: Session;
  private readonly other: Session;
  private readonly before: readonly string[];
  private readonly done = new Set<DeedName>();
  private hasBegun = false;
  private isClaimed = false;

  constructor(grounds: Grounds, session: Session, other: Session, before: readonly string[]) {
    this.grounds = grounds;
    this.session = session;
    this.other = other;
    this.before = before;
  }

  async do(name: DeedName): Promise<void> {
    const { service } = this.grounds.core;
    const { id } = this.session;
    this.hasBegun = true;
    try {
      if (name === 'end') await service.end({ id });
      else if (name === 'login') await service.login(this.other, 'ada');
      else if (name === 'release')
        for (const file of await this.grounds.held(id)) await service.release(file);
      else for (let count = 0; count < MAX_FILES; count += 1) await this.grounds.write({ id });
      this.done.add(name);
    } catch (error) {
      // The other deed was first.
      if (!['SESSION_GONE', 'SESSION_STALE'].includes(codeOf(error))) this.fault(`${name}: ${String(error)}`);
    }
  }

  async upload(): Promise<void> {
    await this.may('upload', async () => {
      const sink = await this.grounds.core.service.createFile(this.session, { type: 'audio_file' });
      const failed = new Promise<Error>((resolve) => sink.once('error', resolve));
      const closed = new Promise((resolve) => sink.once('close', resolve));
      for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
        await Promise.race([failed, new Promise((resolve) => sink.write(FILE, resolve))]);
      }
      sink.end();
      await closed;
      if (sink.errored) throw await failed;
    });
  }

  async adoption(): Promise<void> {
    const path = await this.grounds.source();
    await this.may('adoption', () =>
      this.grounds.core.service.adoptFile(this.session, path, { type: 'audio_file' }),
    );
  }

  async download(): Promise<void> {
    await this.may('download', async () => {
      const { service } = this.grounds.core;
      const found = await service.findResource(this.session, this.before[0] ?? '');
      if (!found) return;
      const { stream } = await service.openResource(found);
      const bytes = await this.read(stream);
      if (bytes !== FILE.length)
        this.fault(`${bytes} bytes of ${FILE.length} were delivered, without an error`);
    });
  }

  async stream(): Promise<void> {
    let isClosed = false;
    const tracked = await this.may('stream', () =>
      this.grounds.core.service.trackStream(this.session, { close: () => void (isClosed = true) }),
    );
    await settled();
    if (tracked && this.isCutOff && !isClosed) this.fault('the stream stayed open');
    await tracked?.release();
  }

  async claim(): Promise<void> {
    await this.may('claim', async () => {
      const { service } = this.grounds.core;
      const found = await service.findResource(this.session, this.before[0] ?? '');
      if (!found) return;
      await service.claim(found, this.claimPath);
      this.isClaimed = true;
    });
  }

  /** A program that works a while on its path. */
  async lend(): Promise<void> {
    await this.may('lend', async () => {
      const { service } = this.grounds.core;
      const found = await service.findResource(this.session, this.before[0] ?? '');
      if (!found) return;
      const wasCutOff = await service.withFile(found, async (path, signal) => {
        if (this.isCutOff) this.fault('a path was lent after');
        await this.grounds.stops.around('work', settled);
        if (this.isCutOff) await this.expectNoPath(path, signal);
        else if (!readFileSync(path).equals(FILE)) this.fault('the lent path has other bytes');
        return this.isCutOff;
      });
      if (wasCutOff) this.fault('what was cut off has a result');
    });
  }

  async judge(): Promise<void> {
    const { grounds, session } = this;
    const { id } = session;
    if (grounds.stops.writtenAfter > 0) this.fault(`${grounds.stops.writtenAfter} writes came after`);
    let left = await this.leftovers();
    for (let tries = 0; left.length > 0 && tries < MOST_TRIES; tries += 1) {
      await settled();
      left = await this.leftovers();
    }
    this.faults.push(...left);
    rmSync(this.claimPath, { force: true });
    if (!this.done.has('end')) await grounds.core.service.end({ id }, 'ended', { thorough: true });
  }

  /** What was cut off needs a moment to delete what it wrote. */
  private async leftovers(): Promise<Faults> {
    const { grounds } = this;
    const { id } = this.session;
    const left: Faults = [];
    const held = await grounds.held(id);
    const files = await grounds.filesOf(id);
    if (this.done.has('end') && held.length > 0) left.push(`records stay after the end: ${held[0]?.state}`);
    for (const { id: resourceId, state, uses } of held) {
      if (state !== 'ready' || uses > 0) left.push(`a record stays ${state} with ${uses} uses`);
      if (!files.includes(resourceId)) left.push('a record has no file');
    }
    const ids = new Set(held.map((resource) => resource.id));
    if (files.some((file) => !ids.has(file))) left.push('a file stays that no record names');
    const connections = Reflect.get(grounds.core, 'connections') as { sessionIds: readonly string[] };
    if (connections.sessionIds.includes(id)) left.push('a connection stays registered');
    left.push(...(await grounds.onTheWayOut()), ...(await this.claimFaults(ids)));
    return left;
  }

  /** A claimed file is whole, at its path alone; of a claim that failed nothing is there. */
  private async claimFaults(held: ReadonlySet<string>): Promise<Faults> {
    const names = await this.grounds.claimedNames();
    const faults = names.filter((name) => name !== CLAIMED).map((name) => `left behind: ${name}`);
    if (names.includes(CLAIMED) !== this.isClaimed)
      faults.push(this.isClaimed ? 'the claimed file is not there' : 'what failed to be claimed is there');
    else if (this.isClaimed) {
      if (!readFileSync(this.claimPath).equals(FILE)) faults.push('the claimed file has other bytes');
      if (held.has(this.before[0] ?? '')) faults.push('the claimed file is still one of the session');
    }
    return faults;
  }

  private get claimPath(): string {
    return join(this.grounds.claimFolder, CLAIMED);
  }

  /** The program is told at once, and its path goes. */
  private async expectNoPath(path: string, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) this.fault('the program was not told');
    for (let tries = 0; existsSync(path) && tries < MOST_TRIES; tries += 1) await settled();
    if (existsSync(path)) this.fault('the path stays after');
  }

  get isCutOff(): boolean {
    return this.done.has('end') || this.done.has('login');
  }

  /** Reads in turns, so that a deed can fall between two chunks. */
  private async read(stream: Readable): Promise<number> {
    let bytes = 0;
    for await (const chunk of stream) {
      if (this.isCutOff) this.fault('bytes were delivered after');
      bytes += (chunk as Buffer).length;
    }
    return bytes;
  }

  private async may<Answer>(what: string, act: () => Promise<Answer>): Promise<Answer | null> {
    try {
      return await act();
    } catch (error) {
      const allowed = ['SESSION_GONE', 'SESSION_STALE', 'RESOURCE_GONE', 'UPLOAD_ABORTED'];
      if (!this.hasBegun || !allowed.includes(codeOf(error))) this.fault(`${what}: ${String(error)}`);
      return null;
    }
  }

  private fault(message: string): void {
    this.faults.push(message);
  }
}

function codeOf(error: unknown): string {
  return String(Reflect.get(Object(error), 'code'));
}

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
