import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Cron, SchedulerRegistry } from '@nestjs/schedule';
import { SessionsCore } from '../core/core.js';
import { describeError } from '../core/watch/log.js';
import { CLEANUP_JOBS, type CleanupJob } from '../domain/events.js';

const EVERY_SECOND = '* * * * * *';

/** The names of the tasks in the application's scheduler. */
const TASKS = {
  idle: 'sessions-cleanup-idle',
  expired: 'sessions-cleanup-expired',
  orphans: 'sessions-cleanup-orphans',
} as const satisfies Record<CleanupJob, string>;

/**
 * The cleanup jobs as scheduled tasks: each checks every second whether its configured interval has passed. The
 * application's `ScheduleModule` runs them; without one, a timer here does. The library imports no
 * `ScheduleModule.forRoot()` of its own: a second one would fire every job of the application twice.
 */
@Injectable()
export class SessionsTasks implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('SessionCleanup');
  private timer: NodeJS.Timeout | undefined;
  private isQuiet = false;

  constructor(
    @Inject(SessionsCore) private readonly core: SessionsCore,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {}

  @Cron(EVERY_SECOND, { name: TASKS.idle })
  async endIdle(): Promise<void> {
    await this.tick('idle');
  }

  @Cron(EVERY_SECOND, { name: TASKS.expired })
  async endExpired(): Promise<void> {
    await this.tick('expired');
  }

  @Cron(EVERY_SECOND, { name: TASKS.orphans })
  async sweepOrphans(): Promise<void> {
    await this.tick('orphans');
  }

  onApplicationBootstrap(): void {
    if (this.core.role !== 'server' || this.scheduler() !== null) return;
    this.timer = setInterval(() => {
      for (const job of CLEANUP_JOBS) void this.tick(job);
    }, 1000);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Never rejects: the scheduler would write the error to the console, with its stack. */
  private async tick(job: CleanupJob): Promise<void> {
    if (this.core.role !== 'server') return;
    try {
      this.keepConsoleQuiet();
      await this.core.cleanup.runIfDue(job);
    } catch (error) {
      this.logger.error(`The scheduled cleanup job ${job} failed: ${describeError(error)}`);
    }
  }

  /**
   * A busy process computes the next second after that has begun: `cron` takes this as a missed deadline and writes a line to
   * the console, whatever the application's logger. The tasks check a clock of their own, so that nothing is missed.
   */
  private keepConsoleQuiet(): void {
    if (this.isQuiet) return;
    this.isQuiet = true;
    const registry = this.scheduler();
    for (const name of Object.values(TASKS)) {
      const time = registry?.getCronJobs().get(name)?.cronTime;
      if (time === undefined) continue;
      const timeout = time.getTimeout.bind(time);
      time.getTimeout = () => Math.max(0, timeout());
    }
  }

  private scheduler(): SchedulerRegistry | null {
    try {
      return this.moduleRef.get(SchedulerRegistry, { strict: false });
    } catch {
      return null;
    }
  }
}
