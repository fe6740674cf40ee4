import type { SessionsCore } from '#sessions/core/core';
import { Session } from '#sessions/core/handles/session';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { finished } from 'node:stream/promises';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { contentOf } from './content.ts';
import { seededRandom } from '../random.ts';
import type { Journal } from './journal.ts';
import type { Action, SlimPlan } from './slim-plan.ts';

const ACTORS = 6;
/** Most are far smaller. */
const MAX_FILE_BYTES = 700_000;
const MAX_CHUNK_BYTES = 24_000;
const MOST_WORK_MS = 20;
/** How often the favoured action is taken before all others. */
const FAVOUR = 0.4;
const WEIGHTS: readonly (readonly [Action, number])[] = [
  ['upload', 34],
  ['download', 14],
  ['release', 7],
  ['end', 8],
  ['regenerate', 7],
  ['login', 5],
  ['adopt', 7],
  ['claim', 5],
  ['lend', 5],
  ['stream', 4],
  ['cleanup', 4],
  ['open', 7],
  ['touch', 3],
];
const TOTAL_WEIGHT = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
/** Refusals that a server under such a load gives: to others that came first, or were ended meanwhile. */
const REFUSALS = new Set([
  'SESSION_GONE',
  'SESSION_STALE',
  'RESOURCE_GONE',
  'RESOURCES_IN_USE',
  'RESOURCE_LIMIT_REACHED',
  'UPLOAD_ABORTED',
  'STORAGE_FULL',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** Where sources of adoptions lie, beside the storage root. */
export function adoptionFolder(root: string): string {
  return `${root}-sources`;
}

/** Where files are claimed to: beside the storage root, and on another file system. */
export function claimFolders(root: string): string[] {
  return [`${root}-claims`, join('/dev/shm', `${root.replaceAll('/', '_')}-claims`)];
}

/**
 * Does to a server what its users, its operators and its schedule do, all at once and in no order, and notes what it is
 * about to do and what was acknowledged.
 */
export class Load {
  readonly #core: SessionsCore;
  readonly #journal: Journal;
  readonly #random: () => number;
  readonly #root: string;
  readonly #favour: Action | null;
  /** Live ones, as far as this process knows. */
  #sessions: string[] = [];

  constructor(core: SessionsCore, journal: Journal, plan: SlimPlan) {
    this.#core = core;
    this.#journal = journal;
    this.#random = seededRandom(plan.seed);
    this.#root = plan.folder;
    this.#favour = plan.favour;
  }

  async run(): Promise<void> {
    mkdirSync(adoptionFolder(this.#root), { recursive: true });
    const known = await this.#core.service.list({ limit: 1000, sort: 'created_at' });
    this.#sessions = known.map(({ id }) => id);
    await Promise.all(Array.from({ length: ACTORS }, () => this.#act()));
  }

  async #act(): Promise<never> {
    // oxlint-disable-next-line typescript/no-unnecessary-condition -- until it is killed
    for (;;) {
      try {
        await this.#doSomething();
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (!REFUSALS.has(code)) this.#journal.note('fault', describe(error));
      }
    }
  }

  async #doSomething(): Promise<void> {
    const session = this.#pick(this.#sessions);
    if (session === undefined || this.#sessions.length < 2) return this.#open();
    const favoured = this.#random() < FAVOUR ? this.#favour : null;
    switch (favoured ?? this.#anyAction()) {
      case 'upload':
        return this.#upload(session);
      case 'download':
        return this.#download(session);
      case 'release':
        return this.#release(session);
      case 'end':
        return this.#end(session);
      case 'regenerate':
        return this.#regenerate(session);
      case 'login':
        return this.#login(session);
      case 'adopt':
        return this.#adopt(session);
      case 'claim':
        return this.#claim(session);
      case 'lend':
        return this.#lend(session);
      case 'stream':
        return this.#stream(session);
      case 'cleanup':
        return this.#cleanUp(session);
      case 'open':
        return this.#open();
      case 'touch':
        return this.#core.service.touch({ id: session });
    }
  }

  #anyAction(): Action {
    let dice = this.#random() * TOTAL_WEIGHT;
    const found = WEIGHTS.find(([, weight]) => (dice -= weight) < 0);
    return found?.[0] ?? 'touch';
  }

  async #open(): Promise<void> {
    const opening = await this.#core.service.open({ ipAddress: '192.0.2.1', userAgent: 'torture' });
    if (opening.kind === 'refused') return;
    this.#journal.note('opened', opening.session.id, opening.token.hash);
    this.#sessions.push(opening.session.id);
  }

  /** Of a length that the server learns only at its end; some are given up on the way. */
  async #upload(session: string): Promise<void> {
    const sink = await this.#core.service.createFile({ id: session }, { type: 'audio_file' });
    const closed = finished(sink);
    // It may fail while nobody waits for it yet.
    closed.catch(() => {});
    const bytes = contentOf(sink.resourceId, this.#fileSize());
    const givenUpAt = this.#random() < 0.12 ? this.#upTo(bytes.length) : Number.POSITIVE_INFINITY;
    let sent = 0;
    while (sent < bytes.length && !sink.destroyed) {
      const chunk = bytes.subarray(sent, sent + 1 + this.#upTo(MAX_CHUNK_BYTES));
      sent += chunk.length;
      if (sent >= givenUpAt) sink.destroy();
      else await new Promise((resolve) => sink.write(chunk, resolve));
    }
    this.#journal.note('settling', session, sink.resourceId, sink.resourceId, bytes.length);
    sink.end();
    await closed;
    this.#journal.note('settled', session, sink.resourceId);
  }

  async #adopt(session: string): Promise<void> {
    const source = `source-${randomUUID()}`;
    const path = join(adoptionFolder(this.#root), source);
    writeFileSync(path, contentOf(source, this.#fileSize()));
    const settled = await this.#core.service.adoptFile({ id: session }, path, {
      type: 'temp_file',
      fileName: source,
    });
    this.#journal.note('settled', session, settled.id);
  }

  /** To a folder on the file system of the root, or on another one. */
  async #claim(session: string): Promise<void> {
    const folder = this.#pick(this.#core.config.claimTo);
    const resource = folder === undefined ? undefined : await this.#anyFile(session);
    if (folder === undefined || !resource) return;
    const path = join(folder, `claimed-${randomUUID()}`);
    this.#journal.note('claiming', resource.id, path);
    await this.#core.service.claim(resource, path);
    this.#journal.note('claimed', resource.id, path);
  }

  /** To a program that works a moment, on the bytes that the session was sent. */
  async #lend(session: string): Promise<void> {
    const resource = await this.#anyFile(session);
    if (!resource) return;
    await this.#core.service.withFile(resource, async (path) => {
      await sleep(this.#upTo(MOST_WORK_MS));
      const expected = contentOf(resource.fileName ?? resource.id, resource.sizeBytes);
      if (!(await readFile(path)).equals(expected)) {
        this.#journal.note('fault', `a lent path of ${resource.id} has other bytes than were uploaded`);
      }
    });
  }

  async #download(session: string): Promise<void> {
    const resource = await this.#anyFile(session);
    if (!resource) return;
    const { stream } = await this.#core.service.openResource(resource);
    const stopAfter = this.#random() < 0.3 ? this.#upTo(resource.sizeBytes) : Number.POSITIVE_INFINITY;
    const chunks: Buffer[] = [];
    let received = 0;
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      received += (chunk as Buffer).length;
      if (received > stopAfter) return;
    }
    const expected = contentOf(resource.fileName ?? resource.id, resource.sizeBytes);
    if (!Buffer.concat(chunks).equals(expected)) {
      this.#journal.note('fault', `a download of ${resource.id} got other bytes than were uploaded`);
    }
  }

  async #release(session: string): Promise<void> {
    const resource = await this.#anyFile(session);
    if (resource) await this.#core.service.release(resource);
  }

  async #end(session: string): Promise<void> {
    this.#forget(session);
    const thorough = this.#random() < 0.5;
    const ended = await this.#core.service.end({ id: session }, thorough ? 'admin' : 'ended', { thorough });
    if (!ended) return;
    this.#journal.note('ended', session);
    if (ended.unfinished) this.#journal.note('fault', describe(ended.unfinished));
  }

  async #regenerate(id: string): Promise<void> {
    const record = await this.#core.store.sessions.find(id);
    if (record?.state !== 'open') return this.#forget(id);
    const token = await this.#core.service.regenerate(new Session(record));
    this.#journal.note('regenerated', id, token.hash);
  }

  async #login(id: string): Promise<void> {
    const record = await this.#core.store.sessions.find(id);
    if (record?.state !== 'open') return this.#forget(id);
    const user = `user of ${id}`;
    const token = await this.#core.service.login(new Session(record), user);
    this.#journal.note('logged-in', id, token.hash, user);
  }

  async #stream(session: string): Promise<void> {
    const tracked = await this.#core.service.trackStream({ id: session }, { close: () => {} });
    if (this.#random() < 0.7) await tracked.release();
  }

  async #cleanUp(session: string): Promise<void> {
    if (this.#random() < 0.2) await this.#core.storageRoot.dropBallast();
    if (this.#random() < 0.5) this.#plantOrphan(session);
    if (this.#random() < 0.5) this.#plantEmptyFolder(session);
    const reports = await this.#core.cleanup.runAll({ orphanGraceMs: 0 });
    for (const { job, lastError } of reports) {
      if (lastError !== null) this.#journal.note('fault', `cleanup of ${job}: ${lastError}`);
    }
  }

  /** As a restored backup would: a file under our names that no record knows. */
  #plantOrphan(session: string): void {
    const hex = session.replaceAll('-', '');
    const folder = join(this.#root, 's', hex.slice(0, 2), hex);
    try {
      writeFileSync(join(folder, randomBytes(16).toString('hex')), 'orphan', { mode: 0o600 });
    } catch {
      // It has no folder yet, or none any more.
    }
  }

  /** As a crash right after a folder was made leaves it; beside that of a session, so that its shard is there. */
  #plantEmptyFolder(session: string): void {
    const shard = session.slice(0, 2);
    try {
      mkdirSync(join(this.#root, 's', shard, shard + randomBytes(15).toString('hex')), { mode: 0o700 });
    } catch {
      // There is no such shard yet.
    }
  }

  async #anyFile(session: string) {
    const details = await this.#core.service.describe({ id: session });
    if (!details) return this.#forget(session);
    return this.#pick(details.resources.filter(({ type, state }) => type !== 'stream' && state === 'ready'));
  }

  #forget(session: string): undefined {
    this.#sessions = this.#sessions.filter((id) => id !== session);
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#upTo(items.length)];
  }

  #fileSize(): number {
    return Math.floor(this.#random() ** 4 * MAX_FILE_BYTES);
  }

  #upTo(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${'code' in error ? String(error.code) : error.name}: ${error.message}${cause}`;
}
