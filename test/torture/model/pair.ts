import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveConfig } from '../../../libs/sessions/dist/core/config/config.js';
import { SessionsCore, type CoreParts } from '../../../libs/sessions/dist/core/core.js';
import { createLocalStorage } from '../../../libs/sessions/dist/storage/local/create-local-storage.js';
import { MemoryFileStorage } from '../../../libs/sessions/dist/storage/memory/memory-file-storage.js';
import { MemoryStorageRoot } from '../../../libs/sessions/dist/storage/memory/memory-storage-root.js';
import { ManualClock } from '../../../libs/sessions/dist/testing/manual-clock.js';
import type { SessionStore } from '../../../libs/sessions/dist/ports/store/session-store.js';
import type { Ground, Stores } from './grounds.ts';
import { LIMITS } from './plain-model.ts';

/** How soon, in this world, one process hears of what the other did while somebody waits for it. */
export const STREAM_CLOSED_ELSEWHERE_MS = 10;

const silent = { debug() {}, log() {}, warn() {}, error() {} };

/** How long the timeline of a session outlives it. */
export type Journal = 'off' | 'deeds';
export const JOURNAL_MS: Readonly<Record<Journal, number>> = { off: 0, deeds: 24 * 3_600_000 };

/** Small limits, so that a short sequence reaches all of them. */
const configWith = (journal: Journal) =>
  resolveConfig(
    {
      journal,
      openRate: 0,
      maxUnconfirmedPerNetwork: 0,
      maxSessionsPerNetwork: LIMITS.maxSessionsPerNetwork,
      maxSessionsPerUser: LIMITS.maxSessionsPerUser,
      maxResourcesPerUser: LIMITS.maxResourcesPerUser,
      maxBytesPerUser: LIMITS.maxBytesPerUser,
      maxSessions: LIMITS.maxSessions,
      maxResources: LIMITS.maxResources,
      maxBytes: LIMITS.maxBytes,
      maxStreamsPerSession: LIMITS.maxStreams,
      maxIdleSeconds: LIMITS.idleMs / 1000,
      maxDurationSeconds: LIMITS.durationMs / 1000,
    },
    {},
  );

/** What one process says of itself and does in the background, only when it is told to: no timer runs. */
export class Pair {
  readonly cores: readonly [SessionsCore, SessionsCore];
  readonly clock: ManualClock;
  private readonly ground: Ground;
  private readonly stores: Stores;
  private readonly root: string;

  private constructor(
    cores: [SessionsCore, SessionsCore],
    clock: ManualClock,
    ground: Ground,
    stores: Stores,
    root: string,
  ) {
    this.cores = cores;
    this.clock = clock;
    this.ground = ground;
    this.stores = stores;
    this.root = root;
  }

  /** Two processes' worth of services on one store and one storage of their own. */
  static async create(ground: Ground, journal: Journal): Promise<Pair> {
    const config = configWith(journal);
    const clock = new ManualClock(1_800_000_000_000);
    const root = await mkdtemp(join(tmpdir(), 'nest-sessions-model-'));
    const stores = ground.begin();
    const storages = ground.files === 'in memory' ? inMemory() : onDisk(root);
    const first = makeCore(config, stores[0], storages(), clock);
    await connect(first);
    const second = makeCore(config, stores[1], storages(), clock);
    await connect(second);
    return new Pair([first, second], clock, ground, stores, root);
  }

  other(core: 0 | 1): SessionsCore {
    return this.cores[core === 0 ? 1 : 0];
  }

  /** Both processes note by then which of their uploads have stalled. */
  async letPass(ms: number): Promise<void> {
    this.clock.advance(ms);
    for (const { sinks } of this.cores) await sinks.check();
  }

  /** When the store last heard of a process; `null` if it does not list it. */
  async beatAt(by: 0 | 1): Promise<number | null> {
    const { store, thisProcess } = this.cores[by];
    return (
      (await store.fleet.listProcesses()).find(({ processId }) => processId === thisProcess.id)?.at ?? null
    );
  }

  async close(): Promise<void> {
    for (const core of this.cores) {
      await core.quiesce();
      await core.storage.close();
    }
    await this.ground.clear(this.stores);
    await rm(this.root, { recursive: true, force: true });
  }
}

type Files = Pick<CoreParts, 'storage' | 'storageRoot'>;

function inMemory(): () => Files {
  const files = { storage: new MemoryFileStorage(), storageRoot: new MemoryStorageRoot() };
  return () => files;
}

function onDisk(root: string): () => Files {
  return () =>
    createLocalStorage({
      root,
      minFreeBytes: 0,
      minFreeInodes: 0,
      ballastBytes: 0,
    });
}

function makeCore(
  config: ReturnType<typeof configWith>,
  store: SessionStore,
  files: Files,
  clock: ManualClock,
): SessionsCore {
  return new SessionsCore({ config, store, ...files, clock, role: 'server', logFor: () => silent });
}

async function connect({ store, storage, storageRoot, thisProcess, feed }: SessionsCore): Promise<void> {
  await store.connect();
  await storageRoot.connect(await store.ledger.identity());
  await storage.connect();
  await thisProcess.beat();
  await feed.read();
}
