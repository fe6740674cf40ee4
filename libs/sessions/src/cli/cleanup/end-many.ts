import { planBulk, runBulk } from '../../operate/bulk/bulk.js';
import type { BulkReport, BulkTarget } from '../../operate/bulk/bulk-report.js';
import { bulkView } from '../../operate/bulk/bulk-view.js';
import { timeOf } from '../../operate/units.js';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { counted, size } from '../output/format.js';
import type { Terminal } from '../output/terminal.js';
import { noSuchSession } from '../running/session-ids.js';
import { partlyDeleted, type CleanupContext } from './cleanup-context.js';
import { newProgress } from './new-progress.js';

interface EndOptions {
  readonly dryRun?: true | undefined;
  readonly yes?: true | undefined;
  readonly json?: true | undefined;
}

interface Settings {
  /** Sessions that were opened later are not ended, whatever is shown before. */
  readonly asOf: number;
  readonly signal: AbortSignal;
  /** This command line with other options; `null` if sessions are named, where none comes late. */
  readonly lineOf: ((options: Readonly<Record<string, string | true | undefined>>) => string) | null;
}

/** Ends the live sessions of the target, after a question that tells how many they are. */
export async function endMany(
  context: CleanupContext,
  target: BulkTarget,
  options: EndOptions,
  { asOf, signal, lineOf }: Settings,
): Promise<void> {
  const { core, terminal } = context;
  let asked = target;
  if (options.dryRun || !options.yes) {
    const plan = await planBulk(core, target, { asOf });
    if (options.dryRun) {
      await report(terminal, plan, options);
      if (lineOf && plan.matched > 0) {
        const line = lineOf({ dryRun: undefined, asOf: timeOf(asOf) });
        terminal.note(`To end these, and none that were opened since: ${line}\n`);
      }
      return refuseFailures(terminal, plan, target);
    }
    if (plan.matched > 0) await terminal.confirm(questionFor(plan), signal);
    // Those that were counted, as far as they still match.
    if ('filter' in target) asked = { ...target, ids: plan.sessionIds };
  }
  const ended = await run(context, asked, { asOf, signal });
  await report(terminal, ended, options);
  refuseFailures(terminal, ended, target);
  if (ended.pending) throw partlyDeleted(ended.pending);
}

async function run(
  { core, deeds, terminal }: CleanupContext,
  target: BulkTarget,
  options: Omit<Settings, 'lineOf'>,
): Promise<BulkReport> {
  const progress = terminal.showsProgress ? await newProgress() : null;
  try {
    return await runBulk(core, deeds, target, {
      ...options,
      ...(progress && { onProgress: (done, of) => progress.show('sessions', done, of) }),
    });
  } finally {
    progress?.stop();
  }
}

async function report(terminal: Terminal, bulk: BulkReport, { json, dryRun }: EndOptions): Promise<void> {
  if (json) return terminal.printJson(bulkView(bulk, dryRun ?? false));
  const { matched, cleaned, resources, bytes } = bulk;
  const sessions = counted(dryRun ? matched : cleaned, 'session');
  const held = `${counted(resources, 'resource')}, ${size(bytes)}`;
  await terminal.print(`${sessions} ${dryRun ? 'would end' : 'ended'}: ${held}\n`);
}

function questionFor({ matched, resources, bytes }: BulkReport): string {
  return `End ${counted(matched, 'session')}, with ${counted(resources, 'resource')} (${size(bytes)})?`;
}

/** Lists what was not ended, and rejects if anything was not. */
function refuseFailures(
  terminal: Terminal,
  { matched, failed, failures }: BulkReport,
  target: BulkTarget,
): void {
  if (failures === 0) return;
  if (!('filter' in target) && matched === 0 && failed.every(({ code }) => code === 'SESSION_GONE'))
    throw noSuchSession();
  for (const { sessionId, code } of failed) terminal.note(`${sessionId}: ${code}\n`);
  const more = failures > failed.length ? `, of which ${failed.length} are listed` : '';
  throw new CommandFailure(EXIT.partlyDone, `${counted(failures, 'session')} not ended${more}`);
}
