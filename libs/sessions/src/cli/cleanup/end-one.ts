import type { EndedSession } from '../../core/endings/ender.js';
import type { SessionDetails } from '../../core/sessions/session-details.js';
import { endedView } from '../../operate/views/cleanup-views.js';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { cell, counted, size } from '../output/format.js';
import type { Terminal } from '../output/terminal.js';
import { noSuchSession } from '../running/session-ids.js';
import { partlyDeleted, type CleanupContext } from './cleanup-context.js';

interface EndOptions {
  readonly dryRun?: true | undefined;
  readonly yes?: true | undefined;
  readonly json?: true | undefined;
}

/** Ends one live session, and tells what became of its files. */
export async function endOne(
  { core, deeds, terminal }: CleanupContext,
  id: string,
  options: EndOptions,
  signal: AbortSignal,
): Promise<void> {
  const session = await core.service.describe({ id });
  if (!session) {
    if (!options.dryRun) await deeds.noteNothing('end', id);
    throw noSuchSession();
  }
  if (options.dryRun) {
    const { resourceCount: resources, bytesUsed: bytes } = session;
    return report(terminal, { sessionId: id, resources, bytes, unfinished: null, pending: null }, options);
  }
  if (!options.yes) await terminal.confirm(questionFor(session), signal);
  const ended = await deeds.end(id);
  if (!ended) throw noSuchSession();
  const { unfinished, pending } = ended;
  await report(terminal, ended, options);
  if (unfinished) throw new CommandFailure(EXIT.partlyDone, unfinished.message, { cause: unfinished });
  if (pending) throw partlyDeleted(pending);
}

async function report(terminal: Terminal, ended: EndedSession, { json, dryRun }: EndOptions): Promise<void> {
  if (json) {
    const view = endedView(ended);
    return terminal.printJson(dryRun ? { ...view, cleaned: false, dry_run: true } : view);
  }
  const { sessionId, resources, bytes } = ended;
  const verb = dryRun ? 'would end' : 'ended';
  await terminal.print(`${sessionId} ${verb}: ${counted(resources, 'resource')}, ${size(bytes)}\n`);
}

function questionFor({ id, userId, resourceCount, bytesUsed }: SessionDetails): string {
  const user = userId === null ? '' : ` of user ${cell(userId)}`;
  return `End session ${id}${user}, with ${counted(resourceCount, 'resource')} (${size(bytesUsed)})?`;
}
