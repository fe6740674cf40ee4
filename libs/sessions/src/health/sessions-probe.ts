import type { SessionsConfig } from '../core/config/config.js';
import type { SessionsCore } from '../core/core.js';
import { CLEANUP_JOBS } from '../domain/events.js';
import type { Clock } from '../ports/clock.js';
import type { StorageProblem, StorageRoom } from '../ports/file-storage.js';
import type { JobRecord } from '../ports/session-store.js';
import { SingleFlight } from './single-flight.js';

/** In fixed words, since it may be shown to anybody. */
export interface SessionsHealth {
  readonly store: 'ok' | 'timeout' | 'unavailable';
  readonly cleanup: 'ok' | 'overdue' | 'unknown';
  readonly storage: 'ok' | 'timeout' | StorageProblem;
  readonly recovery: 'ok' | 'stuck' | 'held';
}

/** Looks at what must be well for sessions to be served and cleaned up after. Never rejects. */
export class SessionsProbe {
  private readonly bootedAt: number;
  private readonly runs: SingleFlight<readonly JobRecord[]>;
  private readonly room: SingleFlight<StorageRoom>;

  constructor(
    private readonly core: SessionsCore,
    private readonly config: SessionsConfig,
    private readonly clock: Clock,
  ) {
    this.bootedAt = clock.now();
    this.runs = new SingleFlight(() => core.store.ledger.listRuns());
    this.room = new SingleFlight(() => core.storage.room());
  }

  async look(): Promise<SessionsHealth> {
    const [runs, room] = await Promise.all([this.runs.ask(), this.room.ask()]);
    return {
      store: typeof runs === 'string' ? runs : 'ok',
      cleanup: typeof runs === 'string' ? 'unknown' : this.judgeCleanup(runs),
      storage: typeof room === 'string' ? room : (room.problem ?? 'ok'),
      recovery: this.judgeRecovery(),
    };
  }

  /** Any process of the store may have done it; one that just started has its two intervals too. */
  private judgeCleanup(runs: readonly JobRecord[]): 'ok' | 'overdue' {
    const earliest = this.clock.now() - 2 * this.config.cleanupIntervalMs;
    const isOverdue = CLEANUP_JOBS.some((job) => {
      const startedAt = runs.find((run) => run.job === job)?.startedAt ?? 0;
      return Math.max(startedAt, this.bootedAt) < earliest;
    });
    return isOverdue ? 'overdue' : 'ok';
  }

  private judgeRecovery(): 'ok' | 'stuck' | 'held' {
    if (this.core.sweep.held) return 'held';
    return this.core.recovery.stuck + this.core.sweep.stuck > 0 ? 'stuck' : 'ok';
  }
}
