import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { resolveConfig } from '#sessions/core/config/config';
import { SessionsCore } from '#sessions/core/core';
import { Session } from '#sessions/core/handles/session';
import type { ResourceRecord } from '#sessions/domain/resource';
import type { SessionRecord } from '#sessions/domain/session';
import type { FileStorage } from '#sessions/ports/storage/file-storage';
import type { StorageRoot } from '#sessions/ports/storage/storage-root';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { createLocalStorage } from '#sessions/storage/local/create-local-storage';
import { MemoryFileStorage } from '#sessions/storage/memory/memory-file-storage';
import { MemoryStorageRoot } from '#sessions/storage/memory/memory-storage-root';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { ManualClock } from '#sessions/testing/manual-clock';
import { Stops, stoppingRoot, stoppingStorage, stoppingStore } from './stops.ts';

export const MAX_FILES = 3;
export const FILE = Buffer.alloc(300_000, 'f');
const silent = { debug() {}, log() {}, warn() {}, error() {} };

/** One process whose store and storage stop at every call. */
export class Grounds {
  readonly stops: Stops;
  readonly core: SessionsCore;
  readonly folder: string;
  /** Where files are claimed to. */
  readonly claimFolder: string;
  private readonly store: SessionStore;
  private readonly storage: FileStorage;
  private readonly storageRoot: StorageRoot;

  private constructor(folder: string, kind: 'memory' | 'disk') {
    this.folder = folder;
    this.claimFolder = join(folder, 'claimed');
    this.stops = new Stops();
    const [adoptFrom, claimTo] = [[folder], [this.claimFolder]];
    const config = resolveConfig(
      {
        openRate: 0,
        maxUnconfirmedPerNetwork: 0,
        maxSessionsPerNetwork: 0,
        maxResources: MAX_FILES,
        adoptFrom,
        claimTo,
      },
      {},
    );
    const root = join(folder, 'root');
    this.store =
      kind === 'memory'
        ? new MemorySessionStore()
        : new SqliteSessionStore({ path: join(folder, 'sessions.db') });
    const floor = { minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0 };
    const { storage, storageRoot } =
      kind === 'memory'
        ? { storage: new MemoryFileStorage(), storageRoot: new MemoryStorageRoot({ claimTo }) }
        : createLocalStorage({ root, adoptFrom, claimTo, ...floor });
    this.storage = storage;
    this.storageRoot = storageRoot;
    this.core = new SessionsCore({
      config,
      store: stoppingStore(this.store, this.stops),
      storage: stoppingStorage(storage, this.stops),
      storageRoot: stoppingRoot(storageRoot, this.stops),
      clock: new ManualClock(),
      role: 'server',
      logFor: () => silent,
    });
  }

  static async start(kind: 'memory' | 'disk'): Promise<Grounds> {
    const grounds = new Grounds(await mkdtemp(join(tmpdir(), 'nest-sessions-cut-offs-')), kind);
    await mkdir(grounds.claimFolder);
    await grounds.core.start();
    return grounds;
  }

  async close(): Promise<void> {
    await this.core.quiesce();
    await this.core.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A session as two requests of its client have it: one that acts, and one that does the deeds. */
  async open(): Promise<{ session: Session; other: Session }> {
    const opening = await this.core.service.open({ ipAddress: '192.0.2.1', userAgent: 'test' });
    if (opening.kind !== 'opened') throw new Error(`not opened: ${opening.reason}`);
    const record = (await this.store.sessions.find(opening.session.id)) as SessionRecord;
    const other = new Session(record);
    other.carryTokensBy({ use: 'cookie', carry() {}, clear() {}, sent: () => Promise.resolve() });
    return { session: new Session(record), other };
  }

  async write(session: { readonly id: string }): Promise<ResourceRecord> {
    const sink = await this.core.service.createFile(session, { type: 'audio_file' });
    await pipeline([FILE], sink);
    return sink.resource;
  }

  async source(): Promise<string> {
    const path = join(this.folder, 'to-adopt');
    await writeFile(path, FILE);
    return path;
  }

  held(sessionId: string): Promise<ResourceRecord[]> {
    return this.store.resources.list([sessionId]);
  }

  /** Ids of the session's files in the storage, half written ones too. */
  async filesOf(sessionId: string): Promise<string[]> {
    const none = (ids: readonly string[]): Promise<string[]> => Promise.resolve(ids.map(() => ''));
    const found: string[] = [];
    for await (const { unknown } of this.storage.scan(none)) {
      found.push(...unknown.filter((file) => file.sessionId === sessionId).map((file) => file.resourceId));
    }
    return found;
  }

  /** What the ways out have not taken back yet. */
  async onTheWayOut(): Promise<string[]> {
    const { lentFiles, claims } = this.storageRoot;
    const [lent, claimed] = [await lentFiles.list(), await claims.list()];
    return [
      ...lent.map(({ name }) => `lent: ${name}`),
      ...claimed.map((claim) => `claim: ${claim.resourceId}`),
    ];
  }

  /** The names where files are claimed to, hidden ones too. */
  claimedNames(): Promise<string[]> {
    return readdir(this.claimFolder);
  }
}
