import { randomInt } from 'node:crypto';
import { idleEndsAt, idleReason, whyOver } from '../../domain/lifetime.js';
import { CLEANUP_JOBS, type CleanupJob } from '../../domain/events.js';
import type { Actor } from '../../domain/journal/actor.js';
import type { EndReason, SessionRecord } from '../../domain/session.js';
import type { DueAfter, JobRun } from '../../ports/store/session-store.js';
import { untilStopped } from '../process/bounded-wait.js';
import type { CoreContext } from '../process/context.js';
import type { Ender } from '../endings/ender.js';
import type { Attempts } from './attempts.js';
import type { Recovery } from './recovery.js';
import { describeError } from '../watch/log.js';
import type { OrphanSweep, SweepReport } from './orphan-sweep.js';
import { RunReport } from './run-report.js';

const PAGE = 500;
/** Sessions that are ended concurrently: the store ends them in one transaction. */
const BATCH = 100;

export interface CleanupOptions {
  /** Replaces `orphanGraceSeconds`, in milliseconds. */
  readonly orphanGraceMs?: number;
  /** Counts what is due, and changes nothing. */
  readonly dryRun?: boolean;
  /** An operator has checked: deletes orphans even if they are most of the files, or belonged to another store. */
  readonly confirmed?: boolean;
  readonly onProgress?: (job: CleanupJob, items: number) => void;
}

interface RunOptions extends CleanupOptions {
  /** Whether the schedule started the run: then the next one is known. */
  readonly scheduled?: boolean;
  /** Whether what failed is retried also where its retry is not due yet. */
  readonly retryNow?: boolean;
}

export type CleanupReport = Pick<JobRun, 'job' | 'items' | 'failures' | 'durationMs' | 'lastError'> & {
  readonly sweep?: SweepReport;
};

type Leftovers = Pick<JobRun, 'waiting' | 'found'>;

const NOTHING: Leftovers = { waiting: 0, found: 0 };

/** Ends due sessions, finishes interrupted work and sweeps orphans. Its work is proportional to what is due. */
export class Cleanup {
  private readonly running = new Map<CleanupJob, Promise<CleanupReport>>();
  private readonly nextRuns = new Map<CleanupJob, number>();
  /** What the latest run of each job left. */
  private readonly leftovers = new Map<CleanupJob, Leftovers>();
  private stopping = false;

  constructor(
    private readonly context: CoreContext,
    private readonly ender: Ender,
    private readonly parts: {
      readonly recovery: Recovery;
      readonly sweep: OrphanSweep;
      readonly attempts: Attempts;
    },
  ) {
    for (const job of CLEANUP_JOBS) this.planNext(job);
  }

  /**
   * Runs a job if its interval has passed; call it on a short, regular tick. Not while the store is another version's. Never
   * rejects.
   */
  async runIfDue(job: CleanupJob): Promise<void> {
    const { trouble } = this.context.store;
    if (trouble === 'newer' || trouble === 'older') return;
    const dueAt = this.nextRuns.get(job) ?? 0;
    if (this.context.clock.monotonic() < dueAt || this.running.has(job)) return;
    this.planNext(job);
    // The run itself records and logs its failure.
    await this.run(job, { scheduled: true }).catch(() => {});
  }

  /**
   * One full cleanup: idle, expired, orphans. It retries everything that failed before. It scans for orphans twice, because
   * only files found by two scans are orphans.
   */
  async runAll(options: CleanupOptions = {}): Promise<CleanupReport[]> {
    const reports: CleanupReport[] = [];
    for (const job of CLEANUP_JOBS) {
      if (job === 'orphans') await this.run(job, { ...options, dryRun: true });
      reports.push(await this.run(job, { ...options, retryNow: true }));
    }
    return reports;
  }

  /** Runs one job. Runs of the same job never overlap: a call during a run shares it. */
  run(job: CleanupJob, options: RunOptions = {}): Promise<CleanupReport> {
    const underWay = this.running.get(job);
    if (underWay) return underWay;
    const run = this.runOnce(job, options).finally(() => this.running.delete(job));
    this.running.set(job, run);
    return run;
  }

  /** Starts no more runs, stops those under way at their next page, and waits for them, for a few seconds at most. */
  async stop(): Promise<void> {
    this.stopping = true;
    await untilStopped(this.context.clock, [...this.running.values()]);
  }

  /** Milliseconds until the next run of a job. */
  nextRunInMs(job: CleanupJob): number {
    return Math.max(0, (this.nextRuns.get(job) ?? 0) - this.context.clock.monotonic());
  }

  private async runOnce(job: CleanupJob, options: RunOptions): Promise<CleanupReport> {
    const startedAt = this.context.clock.now();
    const started = this.context.clock.monotonic();
    const report = new RunReport(this.context.log, (items) => options.onProgress?.(job, items));
    let sweep: SweepReport | undefined;
    try {
      // Another process may have begun a doubt, or ended one.
      await this.context.clockTrust.check().catch(() => {});
      if (!this.isPaused()) {
        sweep = await this.perform(job, options, report);
        if (!options.dryRun) this.leftovers.set(job, this.leftoversOf(sweep));
      }
    } catch (error) {
      report.failed(`Job ${job}`, error);
      throw error;
    } finally {
      if (!options.dryRun) {
        const durationMs = this.context.clock.monotonic() - started;
        const nextRunAt = options.scheduled ? this.context.clock.now() + this.nextRunInMs(job) : null;
        const processId = this.context.thisProcess.id;
        const left = this.leftovers.get(job) ?? NOTHING;
        await this.record({ job, processId, startedAt, durationMs, nextRunAt, ...left, ...report.summary });
      }
    }
    return {
      job,
      ...report.summary,
      durationMs: this.context.clock.monotonic() - started,
      ...(sweep && { sweep }),
    };
  }

  /** Only the job that sweeps orphans leaves something: the others try everything again in their next run. */
  private leftoversOf(sweep: SweepReport | undefined): Leftovers {
    if (!sweep) return NOTHING;
    const held = sweep.held ? sweep.orphans : 0;
    return { waiting: this.parts.attempts.waiting + held, found: sweep.orphans };
  }

  private isPaused(): boolean {
    return this.stopping || !this.context.clockTrust.isTrusted;
  }

  private async perform(
    job: CleanupJob,
    options: RunOptions,
    report: RunReport,
  ): Promise<SweepReport | undefined> {
    switch (job) {
      case 'idle': {
        const horizon = await this.context.thisProcess.idleHorizon();
        return this.endDue(
          job,
          (after) => this.context.store.endings.findIdle(horizon, PAGE, after),
          horizon,
          options,
          report,
        );
      }
      case 'expired': {
        const now = this.context.clock.now();
        return this.endDue(
          job,
          (after) => this.context.store.endings.findExpired(now, PAGE, after),
          now,
          options,
          report,
        );
      }
      case 'orphans':
        return this.sweepOrphans(options, report);
    }
  }

  private async endDue(
    job: 'idle' | 'expired',
    findDue: (after: DueAfter | null) => Promise<SessionRecord[]>,
    now: number,
    options: CleanupOptions,
    report: RunReport,
  ): Promise<undefined> {
    if (options.dryRun) {
      report.done((await this.context.store.endings.countDue(now))[job]);
      return;
    }
    const by = this.context.thisProcess.asActor(job);
    const tried = new Set<string>();
    let after: DueAfter | null = null;
    let isContended = false;
    for (;;) {
      const page = await findDue(after);
      const last = page.at(-1);
      if (last === undefined || this.stopping) return;
      const due = page.filter((session) => !tried.has(session.id) && whyOver(session, now) !== null);
      if (due.length === 0) {
        // All of this page have been tried: those that failed stay in the store, and others may be due behind them.
        after = { endsAt: job === 'idle' ? idleEndsAt(last) : last.expiresAt, id: last.id };
        tried.clear();
        continue;
      }
      const failuresBefore = report.summary.failures;
      const batches = Math.ceil(due.length / BATCH);
      // Oldest first. Servers that pick the same batch move on to a random other one.
      const first = isContended ? randomInt(batches) : 0;
      isContended = false;
      for (let index = 0; index < batches && !isContended; index += 1) {
        const start = ((first + index) % batches) * BATCH;
        const batch = due.slice(start, start + BATCH);
        const ended = await Promise.all(
          batch.map((session) => {
            const reason = job === 'expired' ? job : idleReason(session);
            return this.endOne(session, reason, by, tried, report);
          }),
        );
        isContended = ended.filter((isOurs) => !isOurs).length > batch.length / 2;
      }
      // If all failed, the store may take no writes: then this one rejects, and ends the run.
      if (report.summary.failures - failuresBefore === due.length) await this.context.thisProcess.beat();
    }
  }

  /** `false` if another process ended it first, or it is no longer due. */
  private async endOne(
    session: SessionRecord,
    reason: EndReason,
    by: Actor,
    tried: Set<string>,
    report: RunReport,
  ): Promise<boolean> {
    tried.add(session.id);
    try {
      const ended = await this.ender.endIfStill(session, reason, { deleted: true, by });
      if (ended?.unfinished) report.failed(`Session ${session.id}`, ended.unfinished);
      else if (ended) report.done();
      return ended !== null;
    } catch (error) {
      report.failed(`Session ${session.id}`, error);
      return true;
    }
  }

  private async sweepOrphans(options: RunOptions, report: RunReport): Promise<SweepReport> {
    const { store, storageRoot } = this.context;
    if (options.confirmed && !options.dryRun) await storageRoot.trust(await store.ledger.identity());
    if (!options.dryRun) await this.parts.recovery.finish(report, options.retryNow);
    const swept = await this.parts.sweep.run(
      {
        graceMs: options.orphanGraceMs ?? this.context.config.orphanGraceMs,
        dryRun: options.dryRun ?? false,
        confirmed: options.confirmed ?? false,
      },
      report,
    );
    if (options.dryRun) report.done(swept.orphans);
    else if (swept.orphans > 0) {
      this.context.events.emit('orphans.found', {
        found: swept.orphans,
        deleted: swept.deleted,
        held: swept.held,
      });
    }
    return swept;
  }

  private async record(run: JobRun): Promise<void> {
    const { job, items, failures, durationMs } = run;
    try {
      await this.context.store.ledger.recordRun(run);
    } catch (error) {
      this.context.log.warn(`Recording the run of job ${job} failed: ${describeError(error)}`);
    }
    this.context.events.emit('cleanup.finished', { job, items, failures, durationMs });
  }

  private planNext(job: CleanupJob): void {
    this.nextRuns.set(job, this.context.clock.monotonic() + this.context.config.cleanupIntervalMs);
  }
}
