import type { SessionsCore } from '../core/core.js';
import { countStuck, listJobs, type JobState } from '../operate/overview.js';
import { SingleFlight } from '../operate/single-flight.js';
import type { ClockVerdict } from '../core/process/clock-trust.js';
import type { StorageProblem } from '../ports/storage-root.js';

const TIMEOUT_MS = 1000;

/** Fixed words only, since health answers may be public. */
export interface SessionsHealth {
  readonly store: 'ok' | 'timeout' | 'unavailable';
  readonly cleanup: 'ok' | 'overdue' | 'unknown';
  readonly storage: 'ok' | 'timeout' | StorageProblem;
  readonly recovery: 'ok' | 'stuck' | 'held';
  readonly clock: ClockVerdict;
}

/** Checks what serving sessions and cleaning up depend on. Never rejects. */
export class SessionsProbe {
  /** In monotonic milliseconds, as the store's time may be put right. */
  private readonly bootedAtMs: number;
  // A call that hangs is not repeated before it settles.
  private readonly jobs = new SingleFlight(() => listJobs(this.core));
  private readonly disk = new SingleFlight(() => this.core.storageRoot.room());

  constructor(private readonly core: SessionsCore) {
    this.bootedAtMs = core.clock.monotonic();
  }

  async check(): Promise<SessionsHealth> {
    const [jobs, disk] = await Promise.all([withTimeout(this.jobs.ask()), withTimeout(this.disk.ask())]);
    return {
      store: typeof jobs === 'string' ? jobs : 'ok',
      cleanup: typeof jobs === 'string' ? 'unknown' : this.judgeCleanup(jobs),
      storage: typeof disk === 'string' ? disk : (disk.problem ?? 'ok'),
      recovery: this.judgeRecovery(),
      clock: this.core.clockTrust.status().verdict,
    };
  }

  /** Runs of any process count. A process that has just started allows two intervals, too. */
  private judgeCleanup(jobs: readonly JobState[]): 'ok' | 'overdue' {
    const { clock, config } = this.core;
    const patienceMs = 2 * config.cleanupIntervalMs;
    if (clock.monotonic() - this.bootedAtMs <= patienceMs) return 'ok';
    const earliest = clock.now() - patienceMs;
    return jobs.some(({ run }) => (run?.startedAt ?? 0) < earliest) ? 'overdue' : 'ok';
  }

  private judgeRecovery(): 'ok' | 'stuck' | 'held' {
    if (this.core.sweep.held) return 'held';
    return countStuck(this.core) > 0 ? 'stuck' : 'ok';
  }
}

/** The answer; `unavailable` if it rejects, `timeout` after a second. */
async function withTimeout<Answer>(answer: Promise<Answer>): Promise<Answer | 'unavailable' | 'timeout'> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(resolve, TIMEOUT_MS, 'timeout');
  });
  try {
    return await Promise.race([answer.catch(() => 'unavailable' as const), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
