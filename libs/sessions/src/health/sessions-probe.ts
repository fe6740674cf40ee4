import type { SessionsCore } from '../core/core.js';
import { countStuck, listJobs, type JobState } from '../operate/overview.js';
import { SingleFlight } from '../operate/single-flight.js';
import type { StorageProblem } from '../ports/file-storage.js';

const PATIENCE_MS = 1000;

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
  // What hangs is not asked again meanwhile.
  private readonly jobs = new SingleFlight(() => listJobs(this.core));
  private readonly room = new SingleFlight(() => this.core.storage.room());

  constructor(private readonly core: SessionsCore) {
    this.bootedAt = core.clock.now();
  }

  async look(): Promise<SessionsHealth> {
    const [jobs, room] = await Promise.all([inTime(this.jobs.ask()), inTime(this.room.ask())]);
    return {
      store: typeof jobs === 'string' ? jobs : 'ok',
      cleanup: typeof jobs === 'string' ? 'unknown' : this.judgeCleanup(jobs),
      storage: typeof room === 'string' ? room : (room.problem ?? 'ok'),
      recovery: this.judgeRecovery(),
    };
  }

  /** Any process of the store may have done it; one that just started has its two intervals too. */
  private judgeCleanup(jobs: readonly JobState[]): 'ok' | 'overdue' {
    const { clock, config } = this.core;
    const earliest = clock.now() - 2 * config.cleanupIntervalMs;
    const isOverdue = jobs.some(({ run }) => Math.max(run?.startedAt ?? 0, this.bootedAt) < earliest);
    return isOverdue ? 'overdue' : 'ok';
  }

  private judgeRecovery(): 'ok' | 'stuck' | 'held' {
    if (this.core.sweep.held) return 'held';
    return countStuck(this.core) > 0 ? 'stuck' : 'ok';
  }
}

/** The answer; `unavailable` if there was an error instead, `timeout` if there is none within a second. */
async function inTime<Answer>(answer: Promise<Answer>): Promise<Answer | 'unavailable' | 'timeout'> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, 'timeout');
  });
  try {
    return await Promise.race([answer.catch(() => 'unavailable' as const), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
