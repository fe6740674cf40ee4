import { Option } from 'nest-commander';
import { averageDurationMs, endedSessions } from '../../operate/figures.js';
import { readOverview, type JobState, type Overview } from '../../operate/overview.js';
import { clockView, overviewView, processView, statsView } from '../../operate/views/overview-views.js';
import { clockWarning } from './clock.command.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { columns, facts, section } from '../output/table.js';
import { cell, ago, size, span } from '../output/format.js';

/** Shows totals, limits, cleanup jobs and processes. */
export abstract class StatsCommand extends SessionsCommandRunner {
  @Option({
    flags: '--json',
    description: 'prints JSON, that of GET /admin/sessions/metrics with stats and processes',
  })
  wantsJson(): boolean {
    return true;
  }

  protected override async execute(
    _parameters: readonly string[],
    options: { json?: boolean },
  ): Promise<void> {
    const overview = await readOverview(await this.access.open());
    // Without the command's own process.
    const shown = { ...overview, processes: overview.processes.filter(({ isHere }) => !isHere) };
    if (options.json) await this.terminal.printJson(statsJson(shown));
    else await this.terminal.print(this.page(shown));
  }

  private page(overview: Overview): string {
    const parts = [
      ['Sessions', this.sessions(overview)],
      ['Resources', this.resources(overview)],
      ['Limits of this environment', this.limits(overview)],
      ['Cleanup', this.cleanup(overview)],
      ['Processes', this.processes(overview)],
    ] as const;
    const page = parts.map(([title, body]) => section(this.terminal, title, body)).join('\n');
    return page + (clockWarning(overview.clock) ?? '');
  }

  private sessions({ totals }: Overview): string {
    const ended = endedSessions(totals);
    const reasons = Object.entries(totals.ended).filter(([, count]) => count > 0);
    const byReason = reasons.map(([reason, count]) => `${count} ${reason}`).join(', ');
    return facts(this.terminal, [
      ['Active', totals.open],
      ['Created', totals.created],
      ['Ended', byReason === '' ? ended : `${ended} (${byReason})`],
      ['Average duration', ended === 0 ? '-' : span(averageDurationMs(totals))],
    ]);
  }

  private resources({ totals }: Overview): string {
    if (totals.types.length === 0) return 'none yet\n';
    const head = ['TYPE', 'ACTIVE', 'SIZE', 'RELEASED', 'SIZE RELEASED', 'EVICTED'];
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

  private limits({ limits }: Overview): string {
    return facts(this.terminal, [
      ['Session duration', span(limits.maxDurationMs)],
      ['Idle time', span(limits.maxIdleMs)],
      ['Resources per session', limits.maxResources],
      ['Size per session', size(limits.maxBytes)],
    ]);
  }

  private cleanup({ jobs, now }: Overview): string {
    const head = [
      'JOB',
      'LAST RUN',
      'DURATION',
      'ITEMS',
      'FAILURES',
      'NEXT RUN',
      'LAST SUCCESS',
      'LAST ERROR',
    ];
    const rows = jobs.map(({ job, run, nextRunAt }) => {
      if (!run) return [job, 'never', '-', 0, 0, '-', '-', '-'];
      return [
        job,
        ago(run.startedAt, now),
        span(run.durationMs),
        run.items,
        run.failures,
        nextRun(nextRunAt, now),
        ago(run.lastSuccessAt, now),
        cell(run.lastError),
      ];
    });
    return columns(this.terminal, head, rows);
  }

  private processes({ processes, now }: Overview): string {
    const hasServer = processes.some(({ role, isLive }) => role === 'server' && isLive);
    const warning = hasServer ? '' : 'No server process is running, so no cleanup is scheduled.\n';
    if (processes.length === 0) return warning;
    const rows = processes.map(({ processId, role, isLive, at }) => [
      processId,
      role,
      isLive ? 'alive' : 'silent',
      ago(at, now),
    ]);
    return columns(this.terminal, ['PROCESS', 'ROLE', 'STATE', 'LAST HEARTBEAT'], rows) + warning;
  }
}

function statsJson(overview: Overview) {
  const { totals, processes, clock } = overview;
  return {
    ...overviewView(overview),
    stats: statsView(totals),
    processes: processes.map(processView),
    clock: clockView(clock),
  };
}

function nextRun(at: JobState['nextRunAt'], now: number): string {
  if (at === null) return '-';
  return at >= now ? `in ${span(at - now)}` : `${span(now - at)} late`;
}
