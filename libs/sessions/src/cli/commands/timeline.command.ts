import { timelineView } from '../../operate/journal/journal-views.js';
import { readTimeline } from '../../operate/journal/timeline.js';
import type { TimelineQuery } from '../../operate/journal/timeline.query.js';
import { counted } from '../output/format.js';
import { actorText, entryText, secondText } from '../output/journal-text.js';
import { entryTable } from '../output/table.js';
import type { CommandDeclaration, OptionsOf } from '../running/command-declaration.js';
import { sessionId } from '../running/option-values.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import {
  EXAMPLE_ID,
  json,
  page,
  pageOf,
  PAGE_FLAGS,
  SESSION_ARGUMENT,
  valid,
} from '../running/shared-options.js';
import { unknownSession } from './show.command.js';

const OPTIONS = { ...page('entries'), json: json('GET /admin/sessions/{session_id}/timeline') };

/** Shows what happened to one session, live or ended. This does not count as session activity. */
export class TimelineCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'timeline',
    description: 'shows what happened to one session',
    arguments: SESSION_ARGUMENT,
    example: `${EXAMPLE_ID} --limit 20`,
    options: OPTIONS,
  };

  protected override async execute(
    [given = '']: readonly string[],
    options: OptionsOf<typeof OPTIONS>,
  ): Promise<void> {
    const id = sessionId(given);
    const query = await queryOf(options);
    const timeline = await readTimeline(await this.access.open(), id, query);
    if (!timeline) throw unknownSession();
    if (options.json) return this.terminal.printJson(timelineView(timeline));
    const { entries, state, nextCursor } = timeline;
    await this.terminal.print(
      entryTable(
        this.terminal,
        entries.map((entry) => [
          secondText(entry.at),
          entry.kind,
          'by' in entry ? actorText(entry.by) : '-',
          entryText(entry),
        ]),
      ),
    );
    const many = counted(entries.length, 'entry', 'entries');
    this.terminal.note(`${many} of a session that ${state === 'live' ? 'is live' : `is over (${state})`}\n`);
    this.noteMore(nextCursor);
  }
}

async function queryOf(options: OptionsOf<typeof OPTIONS>): Promise<TimelineQuery> {
  // Imported here, so that other commands start without class-validator.
  const { readTimelineQuery } = await import('../../operate/journal/timeline.query.js');
  return valid(readTimelineQuery(pageOf(options), PAGE_FLAGS));
}
