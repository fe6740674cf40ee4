import type { ProcessState } from '../../core/process/this-process.js';
import type { ProcessLimits } from '../../ports/store/session-store.js';
import { averageDurationMs, endedSessions } from '../../operate/figures.js';
import { readOverview, type JobState, type Overview } from '../../operate/overview.js';
import { limitsInUse, liveServers, type LimitsInUse } from '../../operate/server-limits.js';
import { processView, statsOverviewView } from '../../operate/views/overview-views.js';
import { clockWarning } from './clock.command.js';
import { escapeControl, escapeControlStart } from '../output/escape-control.js';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { value, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json } from '../running/shared-options.js';
import { WATCH } from '../running/watch.js';
import { brokenAtSpaces, columns, facts, section } from '../output/table.js';
import { ID_START, ago, cell, counted, instant, size, span } from '../output/format.js';

const OPTIONS = {
  ...WATCH,
  process: value(
    'id',
    'shows one process alone: host, pid, version, disk and limits; the beginning of its id suffices',
  ),
  json: json(
    'GET /admin/sessions/metrics with the limits of the running servers, stats, alerts and processes',
  ),
};

/** Of a line of 80, beside the indent and the names of facts. */
const FACT_WIDTH = 56;
const LINE_WIDTH = 78;
const MOST_ERROR = 200;
const MOST_STUCK = 10;

/** Shows totals, limits, cleanup jobs, alerts and processes; or one process. */
export class StatsCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'stats',
    description: 'shows totals, limits, cleanup jobs and processes',
    example: '--watch 5',
    options: OPTIONS,
  };

  protected override async execute(
    _parameters: readonly string[],
    options: OptionsOf<typeof OPTIONS>,
  ): Promise<void> {
    const beginning = options.process;
    const overview = await readOverview(await this.access.open());
    // Without the command's own process.
    const shown = { ...overview, processes: overview.processes.filter(({ isHere }) => !isHere) };
    if (beginning !== undefined) return this.showProcess(processOf(shown, beginning), shown.now, options);
    if (options.json) await this.terminal.printJson(statsOverviewView(shown));
    else await this.terminal.print(this.page(shown));
  }

  private async showProcess(
    found: ProcessState,
    now: number,
    { json: asJson }: OptionsOf<typeof OPTIONS>,
  ): Promise<void> {
    if (asJson) return this.terminal.printJson(processView(found));
    const { disk, limits } = found;
    const page = facts(this.terminal, [
      ['Process', found.processId],
      ['Host', cell(found.host)],
      ['Pid', found.pid],
      ['Role', found.role],
      ['State', found.isLive ? 'alive' : 'silent'],
      ['Last heartbeat', ago(found.at, now)],
      ['Started', `${instant(found.startedAt)} (${ago(found.startedAt, now)})`],
      ['Version', cell(found.version)],
      ['Node', found.nodeId],
      ['Address', cell(found.address)],
      ['Disk', disk ? `${size(disk.freeBytes)} of ${size(disk.totalBytes)} free` : '-'],
      ['Inodes', disk?.freeInodes == null ? '-' : `${disk.freeInodes} free`],
      ...LIMITS.map(([name, limit, text]) => [name, text(limits[limit])] as const),
    ]);
    await this.terminal.print(page);
  }

  private page(overview: Overview): string {
    const limits = limitsInUse(overview);
    const limitsTitle =
      limits.from === 'servers'
        ? 'Limits of the running servers'
        : 'Limits of this environment (no server is running)';
    const parts = [
      ['Sessions', this.sessions(overview)],
      ['Resources', this.resources(overview)],
      [limitsTitle, this.limits(limits)],
      ['Cleanup', this.cleanup(overview)],
      ['Alerts', alertsText(overview)],
      ['Processes', this.processes(overview)],
    ] as const;
    const page = parts.map(([title, body]) => section(this.terminal, title, body)).join('\n');
    return page + (clockWarning(overview.clock) ?? '');
  }

  private sessions({ totals }: Overview): string {
    const ended = endedSessions(totals);
    const reasons = Object.entries(totals.ended).filter(([, count]) => count > 0);
    const byReason = reasons.map(([reason, count]) => `${count}\u00a0${reason}`).join(', ');
    const text = byReason === '' ? String(ended) : `${ended} (${byReason})`;
    return facts(this.terminal, [
      ['Active', totals.open],
      ['Created', totals.created],
      ['Ended', brokenAtSpaces(text, FACT_WIDTH).replaceAll('\u00a0', ' ')],
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

  private limits({ limits, differing }: LimitsInUse): string {
    const rows = LIMITS.map(([name, limit, text]) => {
      const values = differing.get(limit);
      if (values === undefined) return [name, text(limits[limit])] as const;
      const each = [...values].map(([value, servers]) => `${text(value)} (${serversText(servers)})`);
      return [name, each.join('\n')] as const;
    });
    const warning = differing.size === 0 ? '' : 'The servers are configured differently.\n';
    return facts(this.terminal, rows) + warning;
  }

  private cleanup({ jobs, now, stuck }: Overview): string {
    const head = ['JOB', 'LAST RUN', 'DURATION', 'ITEMS', 'FAILURES', 'NEXT RUN'];
    const rows = jobs.map(({ job, run, nextRunAt }) => {
      if (!run) return [job, 'never', '-', 0, 0, '-'];
      return [
        job,
        ago(run.startedAt, now),
        span(run.durationMs),
        run.items,
        run.failures,
        nextRun(nextRunAt, now),
      ];
    });
    const troubles = jobs.flatMap((state) => troubleOf(state, now));
    const listed = stuck.slice(0, MOST_STUCK).map(({ item, tries, retryAt }) => {
      return `Stuck: ${escapeControl(item)}, ${tries} tries, next ${nextRun(retryAt, now)}`;
    });
    const more =
      stuck.length > MOST_STUCK ? [`and ${stuck.length - MOST_STUCK} more: --json has them all`] : [];
    return columns(this.terminal, head, rows) + linesOf([...troubles, ...listed, ...more]);
  }

  private processes({ processes }: Overview): string {
    const hasServer = liveServers(processes).length > 0;
    const warning = hasServer ? '' : 'No server process is running, so no cleanup is scheduled.\n';
    if (processes.length === 0) return warning;
    const rows = processes.map(({ processId, role, pid, version, isLive, disk, host }) => [
      processId.slice(0, ID_START),
      role,
      String(pid),
      cell(version),
      isLive ? 'alive' : 'silent',
      disk ? size(disk.freeBytes) : '-',
      cell(host),
    ]);
    const head = ['PROCESS', 'ROLE', 'PID', 'VERSION', 'STATE', 'DISK FREE', 'HOST'];
    return columns(this.terminal, head, rows) + warning;
  }
}

const LIMITS: readonly (readonly [string, keyof ProcessLimits, (value: number) => string])[] = [
  ['Session duration', 'maxDurationMs', span],
  ['Idle time', 'maxIdleMs', span],
  ['Resources per session', 'maxResources', String],
  ['Size per session', 'maxBytes', size],
  ['Sessions', 'maxSessions', String],
  ['Cleanup interval', 'cleanupIntervalMs', span],
];

function processOf({ processes }: Overview, beginning: string): ProcessState {
  const found = processes.filter(({ processId }) => beginning !== '' && processId.startsWith(beginning));
  const [first, ...more] = found;
  if (!first) throw new CommandFailure(EXIT.notFound, 'no process in the store has this id: see `stats`');
  if (more.length === 0) return first;
  const ids = found.map(({ processId }) => processId).join(', ');
  throw new CommandFailure(EXIT.usage, `several processes have an id that begins so: ${ids}`);
}

function serversText(servers: readonly ProcessState[]): string {
  const [first, ...more] = servers;
  return first && more.length === 0
    ? `${cell(first.host)}, pid ${first.pid}`
    : counted(servers.length, 'server');
}

/** A job whose latest run is not its latest success says when that was, and the error. */
function troubleOf({ job, run }: JobState, now: number): string[] {
  if (!run?.lastError) return [];
  const success = run.lastSuccessAt === null ? 'never' : ago(run.lastSuccessAt, now);
  return [`${job}: last success ${success}; last error: ${escapeControlStart(run.lastError, MOST_ERROR)}`];
}

function alertsText({ alerts }: Overview): string {
  if (alerts.length === 0) return 'none\n';
  return linesOf(alerts.map(({ alert, message }) => `${alert}: ${message}`));
}

function linesOf(texts: readonly string[]): string {
  return texts.map((text) => `${brokenAtSpaces(text, LINE_WIDTH)}\n`).join('');
}

function nextRun(at: JobState['nextRunAt'], now: number): string {
  if (at === null) return '-';
  return at >= now ? `in ${span(at - now)}` : `${span(now - at)} late`;
}
