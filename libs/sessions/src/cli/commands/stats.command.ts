import { Option } from 'nest-commander';
import { jobView, metricsView, statsView } from '../../operate/views.js';
import type { SessionsConfig } from '../../core/config/config.js';
import { SILENT_AFTER_MS } from '../../core/process/this-process.js';
import { CLEANUP_JOBS } from '../../domain/events.js';
import type { Heartbeat, JobRecord, StoreTotals } from '../../ports/session-store.js';
import { SessionsCommandRunner } from './sessions-command-runner.js';
import { columns, facts, section } from '../output/table.js';
import { cell, ago, size, span } from '../output/format.js';

interface Snapshot {
  readonly now: number;
  readonly config: SessionsConfig;
  readonly totals: StoreTotals;
  readonly runs: readonly JobRecord[];
  /** Of the other processes on the store. */
  readonly beats: readonly Heartbeat[];
}

/** Totals, limits, and whether somebody cleans up. */
export abstract class StatsCommand extends SessionsCommandRunner {
  @Option({
    flags: '--json',
    description: 'JSON, as GET /admin/sessions/metrics has it, with stats and processes',
  })
  wantsJson(): boolean {
    return true;
  }

  protected override async execute(
    _parameters: readonly string[],
    options: { json?: boolean },
  ): Promise<void> {
    const { core, config, clock } = await this.access.open();
    const [totals, runs, beats] = await Promise.all([
      core.service.totals(),
      core.store.ledger.listRuns(),
      core.store.fleet.listProcesses(),
    ]);
    const others = beats.filter(({ processId }) => processId !== core.thisProcess.id);
    const snapshot = { now: clock.now(), config, totals, runs, beats: others };
    if (options.json) await this.terminal.printJson(toJson(snapshot));
    else await this.terminal.print(this.page(snapshot));
  }

  private page(snapshot: Snapshot): string {
    const parts = [
      ['Sessions', this.sessions(snapshot)],
      ['Resources', this.resources(snapshot)],
      ['Limits of this environment', this.limits(snapshot)],
      ['Cleanup', this.cleanup(snapshot)],
      ['Processes', this.processes(snapshot)],
    ] as const;
    return parts.map(([title, body]) => section(this.terminal, title, body)).join('\n');
  }

  private sessions({ totals }: Snapshot): string {
    const { total_sessions_cleaned: ended, avg_session_duration: average } = statsView(totals);
    const reasons = Object.entries(totals.ended).filter(([, count]) => count > 0);
    const byReason = reasons.map(([reason, count]) => `${count} ${reason}`).join(', ');
    return facts(this.terminal, [
      ['Active', totals.open],
      ['Created', totals.created],
      ['Ended', byReason === '' ? ended : `${ended} (${byReason})`],
      ['Average duration', ended === 0 ? '-' : span(average * 1000)],
    ]);
  }

  private resources({ totals }: Snapshot): string {
    if (totals.types.length === 0) return 'none yet\n';
    const head = ['TYPE', 'ACTIVE', 'SIZE', 'CLEANED', 'SIZE CLEANED', 'EVICTED'];
    const rows = totals.types.map((type) => [
      cell(type.type),
      type.active,
      size(type.activeBytes),
      type.released,
      size(type.releasedBytes),
      type.evicted,
    ]);
    return columns(this.terminal, head, rows);
  }

  private limits({ config }: Snapshot): string {
    return facts(this.terminal, [
      ['Duration', span(config.maxDurationMs)],
      ['Idle', span(config.maxIdleMs)],
      ['Resources of a session', config.limits.maxResources],
      ['Size of a session', size(config.limits.maxBytes)],
    ]);
  }

  private cleanup({ runs, now }: Snapshot): string {
    const head = ['JOB', 'LAST RUN', 'TOOK', 'ITEMS', 'FAILURES', 'NEXT RUN', 'LAST SUCCESS', 'LAST ERROR'];
    const rows = CLEANUP_JOBS.map((job) => {
      const run = runs.find((known) => known.job === job);
      if (!run) return [job, 'never', '-', 0, 0, '-', '-', '-'];
      return [
        job,
        ago(run.startedAt, now),
        span(run.durationMs),
        run.items,
        run.failures,
        nextRun(run, now),
        ago(run.lastSuccessAt, now),
        cell(run.lastError),
      ];
    });
    return columns(this.terminal, head, rows);
  }

  private processes({ beats, now }: Snapshot): string {
    const hasServer = beats.some((beat) => beat.role === 'server' && isAlive(beat, now));
    const warning = hasServer ? '' : 'No server is running: nobody cleans up.\n';
    if (beats.length === 0) return warning;
    const rows = beats.map((beat) => [
      beat.processId,
      beat.role,
      isAlive(beat, now) ? 'alive' : 'silent',
      ago(beat.at, now),
    ]);
    return columns(this.terminal, ['PROCESS', 'ROLE', 'STATE', 'LAST HEARD'], rows) + warning;
  }
}

function toJson({ now, config, totals, runs, beats }: Snapshot) {
  const cleanup = CLEANUP_JOBS.map((job) => {
    const run = runs.find((known) => known.job === job);
    return [job, jobView(run, run?.nextRunAt ?? null)];
  });
  return {
    ...metricsView(totals, config),
    cleanup: Object.fromEntries(cleanup),
    stats: statsView(totals),
    processes: beats.map((beat) => ({
      process_id: beat.processId,
      role: beat.role,
      alive: isAlive(beat, now),
      last_heard: new Date(beat.at).toISOString(),
    })),
  };
}

function isAlive(beat: Heartbeat, now: number): boolean {
  return now - beat.at < SILENT_AFTER_MS;
}

function nextRun({ nextRunAt }: JobRecord, now: number): string {
  if (nextRunAt === null) return '-';
  return nextRunAt >= now ? `in ${span(nextRunAt - now)}` : `${span(now - nextRunAt)} late`;
}
