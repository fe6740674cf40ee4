import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ResourceRecord } from '#sessions/domain/resource';
import type { FileStorage } from '#sessions/ports/storage/file-storage';
import type { SessionStore } from '#sessions/ports/store/session-store';
import type { StorageRoot } from '#sessions/ports/storage/storage-root';
import { SessionsCore } from '#sessions/core/core';
import { resolveConfig, type SessionsOptions } from '#sessions/core/config/config';
import { Session } from '#sessions/core/handles/session';
import type { SessionToken } from '#sessions/core/tokens/session-token';
import { createLocalStorage } from '#sessions/storage/local/create-local-storage';
import { MemoryFileStorage } from '#sessions/storage/memory/memory-file-storage';
import { MemoryStorageRoot } from '#sessions/storage/memory/memory-storage-root';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { ManualClock } from '#sessions/testing/manual-clock';

export const STORES = ['memory', 'sqlite'] as const;
export type StoreName = (typeof STORES)[number];

export const CLIENT = { ipAddress: '192.0.2.1', userAgent: 'test' };
const silent = { debug() {}, log() {}, warn() {}, error() {} };

/** One process of the product without HTTP, on a store and a storage of its own, with a clock that is moved by hand. */
export class World {
  readonly clock: ManualClock;

  private constructor(
    readonly core: SessionsCore,
    readonly store: SessionStore,
    readonly storage: FileStorage,
    readonly storageRoot: StorageRoot,
    readonly root: string,
    private readonly isGuest: boolean,
    clock: ManualClock,
  ) {
    this.clock = clock;
  }

  static async create(
    name: StoreName,
    options: SessionsOptions = {},
    beside?: Pick<World, 'root'> & Partial<World>,
  ): Promise<World> {
    const root = beside?.root ?? (await mkdtemp(join(tmpdir(), 'nest-sessions-')));
    const config = resolveConfig(
      { openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0, ...options },
      {},
    );
    const clock = beside?.clock ?? new ManualClock();
    const store =
      name === 'memory'
        ? (beside?.store ?? new MemorySessionStore())
        : new SqliteSessionStore({ path: join(root, 'sessions.db') });
    const { storage = new MemoryFileStorage(), storageRoot = new MemoryStorageRoot(config) } =
      name === 'memory'
        ? { ...beside }
        : createLocalStorage({
            root,
            adoptFrom: config.adoptFrom,
            claimTo: config.claimTo,
            minFreeBytes: 0,
            minFreeInodes: 0,
            ballastBytes: 0,
            reservedNames: ['sessions.db', 'sessions.db-wal', 'sessions.db-shm'],
          });
    const core = new SessionsCore({
      config,
      store,
      storage,
      storageRoot,
      clock,
      role: 'server',
      logFor: () => silent,
    });
    await core.start().catch(async (error: unknown) => {
      await core.stop();
      throw error;
    });
    return new World(core, store, storage, storageRoot, root, beside !== undefined, clock);
  }

  get service(): SessionsCore['service'] {
    return this.core.service;
  }

  /** A new session and its token. */
  async open(client = CLIENT): Promise<{ session: Session; token: SessionToken }> {
    const opening = await this.service.open(client);
    if (opening.kind !== 'opened') throw new Error(`not opened: ${opening.reason}`);
    return opening;
  }

  /** The session of a token as another request gets it. */
  async again(token: SessionToken, client = CLIENT): Promise<Session> {
    const finding = await this.service.identify(token.reveal(), client);
    if (finding.kind !== 'live') throw new Error(`not live: ${finding.kind}`);
    return new Session(finding.record);
  }

  /** What its token stands for now. */
  async kindOf(token: SessionToken, client = CLIENT): Promise<string> {
    return (await this.service.identify(token.reveal(), client)).kind;
  }

  async write(session: { id: string }, bytes: number | Buffer, type = 'audio_file'): Promise<ResourceRecord> {
    const sink = await this.service.createFile(session, { type });
    const content = typeof bytes === 'number' ? Buffer.alloc(bytes, 1) : bytes;
    await pipeline(Readable.from([content], { objectMode: false }), sink);
    return sink.resource;
  }

  async close(): Promise<void> {
    await this.core.quiesce();
    await this.core.stop();
    if (!this.isGuest) await rm(this.root, { recursive: true, force: true });
  }
}
