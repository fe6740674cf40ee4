import type { SessionsCore } from '../core/core.js';
import { countStuck, listJobs, type JobState } from '../operate/overview.js';
import type { ClockVerdict } from '../core/clock/clock-trust.js';
import type { StorageProblem, StorageRoom } from '../ports/storage/storage-root.js';
import type { StoreTrouble } from '../ports/store/store-trouble.js';
import { Probe, type Failure } from './probe.js';

/** Fixed words only, since health answers may be public. */
export interface SessionsHealth {
  /** `refused`: it answers, but takes no writes. */
  readonly store: 'ok' | 'timeout' | 'unavailable' | 'refused' | StoreTrouble;
  readonly cleanup: 'ok' | 'overdue' | 'unknown';
  readonly storage: 'ok' | 'timeout' | StorageProblem;
  readonly recovery: 'ok' | 'stuck' | 'held';
  readonly clock: ClockVerdict;
}

/** What the store knows of the cleanup. */
interface Work {
  readonly jobs: readonly JobState[];
  readonly stuck: number;
}

/** Checks what serving sessions and cleaning up depend on. Never rejects. */
export class SessionsProbe {
  /** In monotonic milliseconds, as the store's time may be put right. */
  private readonly bootedAtMs: number;
  private readonly work: Probe<Work>;
  private readonly writes: Probe<{ readonly accepted: true }>;
  private readonly disk: Probe<StorageRoom>;

  constructor(private readonly core: SessionsCore) {
    const { clock, store, storageRoot } = core;
    this.bootedAtMs = clock.monotonic();
    this.work = new Probe(clock, async () => {
      const [jobs, stuck] = await Promise.all([listJobs(core), countStuck(core)]);
      return { jobs, stuck };
    });
    this.writes = new Probe(clock, async () => {
      await store.sessions.probe();
      return { accepted: true };
    });
    this.disk = new Probe(clock, () => storageRoot.room());
  }

  async check(): Promise<SessionsHealth> {
    // A store whose database is away looks with each write whether it is back, and reads only then.
    if (this.core.store.trouble !== null) await this.writes.ask();
    const [work, writes, disk] = await Promise.all([this.work.ask(), this.writes.ask(), this.disk.ask()]);
    return {
      store: this.core.store.trouble ?? judgeStore(work, writes),
      cleanup: typeof work === 'string' ? 'unknown' : this.judgeCleanup(work.jobs),
      storage: typeof disk === 'string' ? disk : (disk.problem ?? 'ok'),
      recovery: this.judgeRecovery(typeof work === 'string' ? 0 : work.stuck),
      clock: this.core.clockTrust.status().verdict,
    };
  }

  /** Runs of any process count, if they succeeded. A process that has just started allows two intervals, too. */
  private judgeCleanup(jobs: readonly JobState[]): 'ok' | 'overdue' {
    const { clock, config } = this.core;
    const patienceMs = 2 * config.cleanupIntervalMs;
    if (clock.monotonic() - this.bootedAtMs <= patienceMs) return 'ok';
    const earliest = clock.now() - patienceMs;
    return jobs.some(({ run }) => (run?.lastSuccessAt ?? 0) < earliest) ? 'overdue' : 'ok';
  }

  private judgeRecovery(stuck: number): 'ok' | 'stuck' | 'held' {
    if (this.core.sweep.held) return 'held';
    return stuck > 0 ? 'stuck' : 'ok';
  }
}

function judgeStore(reads: object | Failure, writes: object | Failure): SessionsHealth['store'] {
  if (typeof reads === 'string') return reads;
  if (typeof writes !== 'string') return 'ok';
  return writes === 'unavailable' ? 'refused' : writes;
}
