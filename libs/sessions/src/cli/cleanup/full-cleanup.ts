import type { CleanupReport } from '../../core/cleanup/cleanup.js';
import type { SweepReport } from '../../core/cleanup/orphan-sweep.js';
import type { CleanupJob } from '../../domain/events.js';
import { cleanupView } from '../../operate/views/cleanup-views.js';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { cell, counted, span } from '../output/format.js';
import { columns } from '../output/table.js';
import type { Terminal } from '../output/terminal.js';
import type { CleanupContext } from './cleanup-context.js';
import { newProgress } from './new-progress.js';

/** What is wrong with files that the marker assigns to another store, or that a later state of it has written. */
const NOT_OURS = 'belong to another store, or to a later state of this one';

interface FullCleanupOptions {
  readonly orphanGraceMs: number | undefined;
  readonly confirm?: true | undefined;
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
}

/** Ends due sessions and sweeps orphans, now. */
export async function cleanUp(
  context: CleanupContext,
  options: FullCleanupOptions,
  signal: AbortSignal,
): Promise<void> {
  await refuseWrongFolder(context, options);
  const reports = await runAll(context, options, signal);
  await reportAll(context.terminal, reports, options);
  const failures = reports.reduce((sum, report) => sum + report.failures, 0);
  for (const { sweep } of reports) if (sweep) refuseIfHeld(sweep);
  if (failures > 0) {
    throw new CommandFailure(EXIT.partlyDone, `${counted(failures, 'failure')}: the next cleanup retries`);
  }
}

async function runAll(
  { core, deeds, terminal }: CleanupContext,
  { orphanGraceMs, confirm, dryRun }: FullCleanupOptions,
  signal: AbortSignal,
): Promise<CleanupReport[]> {
  const progress = terminal.showsProgress ? await newProgress() : null;
  // The number of orphans is known only at the end.
  const due: Partial<Record<CleanupJob, number>> = progress
    ? await core.store.endings.countDue(core.clock.now())
    : {};
  const run = {
    dryRun: dryRun ?? false,
    confirmed: confirm ?? false,
    ...(orphanGraceMs !== undefined && { orphanGraceMs }),
    ...(progress && { onProgress: (job: CleanupJob, items: number) => progress.show(job, items, due[job]) }),
  };
  try {
    return await deeds.cleanUp(run, signal);
  } finally {
    progress?.stop();
  }
}

/**
 * On Redis the store does not tell whether the folder is the right one. Nothing is cleaned up with a wrong one: the orphans of
 * another store are not this command's.
 */
async function refuseWrongFolder(
  { core, deeds }: CleanupContext,
  { confirm, dryRun }: FullCleanupOptions,
): Promise<void> {
  if (core.config.store !== 'redis' || confirm || dryRun) return;
  const { problem } = await core.storageRoot.room();
  if (problem !== 'untrusted') return;
  await deeds.noteRefused('cleanup', null);
  throw new CommandFailure(
    EXIT.storeUnreachable,
    `nothing was cleaned up: the files at SESSION_STORAGE_PATH (${core.config.storagePath}) ${NOT_OURS}; set it to the folder of the server, or pass --confirm if it is`,
  );
}

async function reportAll(
  terminal: Terminal,
  reports: readonly CleanupReport[],
  { json, dryRun }: FullCleanupOptions,
): Promise<void> {
  if (json) return terminal.printJson(cleanupView(reports, dryRun ?? false));
  const head = ['JOB', dryRun ? 'DUE' : 'ITEMS', 'FAILURES', 'DURATION', 'LAST ERROR'];
  const rows = reports.map(({ job, items, failures, durationMs, lastError }) => [
    job,
    items,
    failures,
    span(durationMs),
    cell(lastError),
  ]);
  await terminal.print(columns(terminal, head, rows));
}

function refuseIfHeld({ trusted, held }: SweepReport): void {
  if (trusted && !held) return;
  const why = trusted ? 'most of the files belong to no session' : `the files ${NOT_OURS}`;
  const message = `no orphan was deleted: ${why}; if this is the right store, pass --confirm`;
  throw new CommandFailure(EXIT.partlyDone, message);
}
