import { cleanupView, endedView } from '../../operate/views/cleanup-views.js';
import type { CleanupReport } from '../../core/cleanup/cleanup.js';
import type { SessionsCore } from '../../core/core.js';
import type { EndedSession } from '../../core/endings/ender.js';
import type { PendingFiles } from '../../core/endings/peer-wait.js';
import type { SweepReport } from '../../core/cleanup/orphan-sweep.js';
import type { SessionDetails } from '../../core/sessions/session-details.js';
import type { CleanupJob } from '../../domain/events.js';
import type { CleanupProgress } from '../output/cleanup-progress.js';
import { CommandFailure, EXIT, usage } from '../output/command-failure.js';
import { flag, value, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { sessionId, wholeNumber } from '../running/option-values.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { yes } from '../running/shared-options.js';
import { noSuchSession } from './show.command.js';
import { columns } from '../output/table.js';
import { cell, counted, size, span } from '../output/format.js';

const MAX_GRACE_SECONDS = 365 * 24 * 3600;
/** With less, a wrong clock could make an orphan of a file that is being settled. */
const SAFE_GRACE_SECONDS = 60;
/** What is wrong with files that the marker assigns to another store, or that a later state of it has written. */
const NOT_OURS = 'belong to another store, or to a later state of this one';

const OPTIONS = {
  orphanGrace: value(
    'seconds',
    `minimum age in seconds before an orphaned file is deleted (below ${SAFE_GRACE_SECONDS} requires --force)`,
  ),
  force: flag(`allows an --orphan-grace below ${SAFE_GRACE_SECONDS}`),
  confirm: flag('deletes orphans even if they are most of the files, or belong to another or a later store'),
  dryRun: flag('reports what would be done, and changes nothing'),
  yes: yes('ends a live session'),
  json: flag('prints JSON; with an id, that of POST /admin/sessions/{session_id}/cleanup'),
};

type CleanupCommandOptions = OptionsOf<typeof OPTIONS>;

/** Without an id: ends due sessions and sweeps orphans, now. With an id: ends that live session. */
export class CleanupCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'cleanup',
    description: 'ends due sessions and sweeps orphans; with an id: ends that session',
    arguments: { '[id]': 'id of a session, as printed by list' },
    example: '--dry-run',
    options: OPTIONS,
  };

  protected override async execute(
    [given]: readonly string[],
    options: CleanupCommandOptions,
    signal: AbortSignal,
  ): Promise<void> {
    if (given === undefined) return this.cleanUp(options, signal);
    const id = sessionId(given);
    refuseWithId(options);
    await this.endOne(id, options, signal);
  }

  private async endOne(id: string, options: CleanupCommandOptions, signal: AbortSignal): Promise<void> {
    const mustAsk = !options.yes && !options.dryRun;
    if (mustAsk) this.terminal.requirePerson();
    const core = await this.access.open();
    const session = await core.service.describe({ id });
    const deeds = this.deedsOn(core);
    if (!session) {
      if (!options.dryRun) await deeds.noteNothing('end', id);
      throw noSuchSession();
    }
    if (options.dryRun) {
      const { resourceCount: resources, bytesUsed: bytes } = session;
      return this.reportEnd({ sessionId: id, resources, bytes, unfinished: null, pending: null }, options);
    }
    if (mustAsk) await this.terminal.confirm(questionFor(session), signal);
    const ended = await deeds.end(id);
    if (!ended) throw noSuchSession();
    const { unfinished, pending } = ended;
    await this.reportEnd(ended, options);
    if (unfinished) throw new CommandFailure(EXIT.partlyDone, unfinished.message, { cause: unfinished });
    if (pending) throw new CommandFailure(EXIT.partlyDone, remainder(pending));
  }

  private async reportEnd(
    ended: EndedSession,
    { json: asJson, dryRun }: CleanupCommandOptions,
  ): Promise<void> {
    if (asJson) {
      const report = endedView(ended);
      return this.terminal.printJson(dryRun ? { ...report, cleaned: false, dry_run: true } : report);
    }
    const { sessionId, resources, bytes } = ended;
    const verb = dryRun ? 'would end' : 'ended';
    await this.terminal.print(`${sessionId} ${verb}: ${counted(resources, 'resource')}, ${size(bytes)}\n`);
  }

  private async cleanUp(options: CleanupCommandOptions, signal: AbortSignal): Promise<void> {
    const graceMs = graceOf(options);
    const core = await this.access.open();
    await this.refuseWrongFolder(core, options);
    const reports = await this.runAll(core, graceMs, options, signal);
    await this.reportAll(reports, options);
    const failures = reports.reduce((sum, report) => sum + report.failures, 0);
    for (const { sweep } of reports) if (sweep) refuseIfHeld(sweep);
    if (failures > 0) {
      throw new CommandFailure(EXIT.partlyDone, `${counted(failures, 'failure')}: the next cleanup retries`);
    }
  }

  private async runAll(
    core: SessionsCore,
    orphanGraceMs: number | undefined,
    { confirm, dryRun }: CleanupCommandOptions,
    signal: AbortSignal,
  ): Promise<CleanupReport[]> {
    const progress = this.terminal.showsProgress
      ? await progressOf(await core.store.endings.countDue(core.clock.now()))
      : null;
    const run = {
      dryRun: dryRun ?? false,
      confirmed: confirm ?? false,
      ...(orphanGraceMs !== undefined && { orphanGraceMs }),
      ...(progress && { onProgress: (job: CleanupJob, items: number) => progress.show(job, items) }),
    };
    try {
      return await this.deedsOn(core).cleanUp(run, signal);
    } finally {
      progress?.stop();
    }
  }

  /**
   * On Redis the store does not tell whether the folder is the right one. Nothing is cleaned up with a wrong one: the orphans of
   * another store are not this command's.
   */
  private async refuseWrongFolder(core: SessionsCore, options: CleanupCommandOptions): Promise<void> {
    if (core.config.store !== 'redis' || options.confirm || options.dryRun) return;
    const { problem } = await core.storageRoot.room();
    if (problem !== 'untrusted') return;
    await this.deedsOn(core).noteRefused('cleanup', null);
    throw new CommandFailure(
      EXIT.storeUnreachable,
      `nothing was cleaned up: the files at SESSION_STORAGE_PATH (${core.config.storagePath}) ${NOT_OURS}; set it to the folder of the server, or pass --confirm if it is`,
    );
  }

  private async reportAll(
    reports: readonly CleanupReport[],
    { json: asJson, dryRun }: CleanupCommandOptions,
  ): Promise<void> {
    if (asJson) return this.terminal.printJson(cleanupView(reports, dryRun ?? false));
    const head = ['JOB', dryRun ? 'DUE' : 'ITEMS', 'FAILURES', 'DURATION', 'LAST ERROR'];
    const rows = reports.map(({ job, items, failures, durationMs, lastError }) => [
      job,
      items,
      failures,
      span(durationMs),
      cell(lastError),
    ]);
    await this.terminal.print(columns(this.terminal, head, rows));
  }
}

/** Imports cli-progress only if somebody sees the bar. */
async function progressOf(due: Readonly<Partial<Record<CleanupJob, number>>>): Promise<CleanupProgress> {
  const { CleanupProgress } = await import('../output/cleanup-progress.js');
  return new CleanupProgress(due);
}

function graceOf({ orphanGrace, force }: CleanupCommandOptions): number | undefined {
  const seconds = wholeNumber('--orphan-grace', orphanGrace, 0, MAX_GRACE_SECONDS);
  if (force && seconds === undefined) throw usage('--force requires --orphan-grace');
  if (seconds !== undefined && seconds < SAFE_GRACE_SECONDS && !force) {
    throw usage(`--orphan-grace ${seconds} is below ${SAFE_GRACE_SECONDS} seconds: it requires --force`);
  }
  return seconds === undefined ? undefined : seconds * 1000;
}

function refuseIfHeld({ trusted, held }: SweepReport): void {
  if (trusted && !held) return;
  const why = trusted ? 'most of the files belong to no session' : `the files ${NOT_OURS}`;
  const message = `no orphan was deleted: ${why}; if this is the right store, pass --confirm`;
  throw new CommandFailure(EXIT.partlyDone, message);
}

function refuseWithId({ orphanGrace, force, confirm }: CleanupCommandOptions): void {
  const given = { '--orphan-grace': orphanGrace, '--force': force, '--confirm': confirm };
  for (const [option, value] of Object.entries(given)) {
    if (value !== undefined) throw usage(`${option} cannot be combined with a session id`);
  }
}

function remainder({ resources, bytes, nodes }: PendingFiles): string {
  const location = nodes.length === 1 ? `node ${nodes[0]}` : `${nodes.length} nodes`;
  return `${counted(resources, 'resource')} (${size(bytes)}) left on ${location}: a node deletes its files when it is back`;
}

function questionFor({ id, userId, resourceCount, bytesUsed }: SessionDetails): string {
  const user = userId === null ? '' : ` of user ${cell(userId)}`;
  return `End session ${id}${user}, with ${counted(resourceCount, 'resource')} (${size(bytesUsed)})?`;
}
