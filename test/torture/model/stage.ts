import { resolveConfig } from '../../../libs/sessions/dist/core/config/config.js';
import { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { MemoryFileStorage } from '../../../libs/sessions/dist/storage/memory/memory-file-storage.js';
import { MemoryStorageRoot } from '../../../libs/sessions/dist/storage/memory/memory-storage-root.js';
import { MemorySessionStore } from '../../../libs/sessions/dist/stores/sqlite/memory-session-store.js';
import { ManualClock } from '../../../libs/sessions/dist/testing/manual-clock.js';
import { slowStorage, watchedStore, type Watcher } from './watched-store.ts';

export const IDLE_MS = 100_000;
export const DURATION_MS = 300_000;

const silent = { debug() {}, log() {}, warn() {}, error() {} };
const NOBODY: Watcher = {
  sessionId: '',
  turn: async () => {},
  concerns: () => false,
  ended: () => {},
  fault: () => {},
};

/** Two processes' worth of services on one store in memory, for one scene after the other. */
export class Stage {
  readonly clock = new ManualClock(1_800_000_000_000);
  readonly store = new MemorySessionStore();
  readonly storage = new MemoryFileStorage();
  private readonly storageRoot = new MemoryStorageRoot();
  readonly cores: readonly [SessionsCore, SessionsCore];
  /** Who decides whose turn it is, and watches. */
  watcher: Watcher = NOBODY;

  private constructor(maxSessions: number) {
    this.cores = [this.makeCore(maxSessions), this.makeCore(maxSessions)];
  }

  static async build(maxSessions: number): Promise<Stage> {
    const stage = new Stage(maxSessions);
    for (const { store } of stage.cores) await store.connect();
    return stage;
  }

  clear(): void {
    this.watcher = NOBODY;
  }

  private makeCore(maxSessions: number): SessionsCore {
    const store = watchedStore(this.store, () => this.watcher);
    const storage = slowStorage(this.storage, () => this.watcher);
    const limits = {
      maxIdleSeconds: IDLE_MS / 1000,
      maxDurationSeconds: DURATION_MS / 1000,
      maxResources: 4,
    };
    const config = resolveConfig(
      { openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0, maxSessions, ...limits },
      {},
    );
    const { storageRoot, clock } = this;
    return new SessionsCore({
      config,
      store,
      storage,
      storageRoot,
      clock,
      role: 'server',
      logFor: () => silent,
    });
  }
}
