import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Cron, SchedulerRegistry } from '@nestjs/schedule';
import { SessionsCore } from '../core/core.js';
import { CLEANUP_JOBS, type CleanupJob } from '../domain/events.js';

const EVERY_SECOND = '* * * * * *';

/**
 * The cleanup jobs as scheduled tasks: each checks every second whether its configured interval has passed. The
 * application's `ScheduleModule` runs them; without one, a timer here does. The library imports no
 * `ScheduleModule.forRoot()` of its own: a second one would fire every job of the application twice.
 */
@Injectable()
export class SessionsTasks implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(SessionsCore) private readonly core: SessionsCore,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {}

  @Cron(EVERY_SECOND, { name: 'sessions-cleanup-idle' })
  async endIdle(): Promise<void> {
    await this.tick('idle');
  }

  @Cron(EVERY_SECOND, { name: 'sessions-cleanup-expired' })
  async endExpired(): Promise<void> {
    await this.tick('expired');
  }

  @Cron(EVERY_SECOND, { name: 'sessions-cleanup-orphans' })
  async sweepOrphans(): Promise<void> {
    await this.tick('orphans');
  }

  onApplicationBootstrap(): void {
    if (this.core.role !== 'server' || this.hasScheduler()) return;
    this.timer = setInterval(() => {
      for (const job of CLEANUP_JOBS) void this.tick(job);
    }, 1000);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async tick(job: CleanupJob): Promise<void> {
    if (this.core.role === 'server') await this.core.cleanup.runIfDue(job);
  }

  private hasScheduler(): boolean {
    try {
      this.moduleRef.get(SchedulerRegistry, { strict: false });
      return true;
    } catch {
      return false;
    }
  }
}
