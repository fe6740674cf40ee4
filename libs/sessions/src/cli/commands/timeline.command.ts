import { Option } from 'nest-commander';
import { timelineView } from '../../operate/journal/journal-views.js';
import { readTimeline } from '../../operate/journal/timeline.js';
import type { TimelineQuery } from '../../operate/journal/timeline.query.js';
import { counted } from '../output/format.js';
import { actorText, entryText, secondText } from '../output/journal-text.js';
import { EntriesCommand, pageOf, valid, type EntriesOptions } from '../running/entries-command.js';
import { sessionId } from '../running/option-values.js';
import { unknownSession } from './show.command.js';

const FLAGS = { limit: '--limit', cursor: '--cursor' };

/** Shows what happened to one session, live or ended. This does not count as session activity. */
export abstract class TimelineCommand extends EntriesCommand {
  protected override readonly example = 'sessions timeline 0e8fb3bb-5a3c-4be5-9f8a-1d1a3f7f6a11 --limit 20';

  @Option({ flags: '--json', description: 'prints JSON, that of GET /admin/sessions/{session_id}/timeline' })
  wantsJson(): boolean {
    return true;
  }

  protected override async execute([given = '']: readonly string[], options: EntriesOptions): Promise<void> {
    const id = sessionId(given);
    const query = await queryOf(options);
    const timeline = await readTimeline(await this.access.open(), id, query);
    if (!timeline) throw unknownSession();
    if (options.json) return this.terminal.printJson(timelineView(timeline));
    const { entries, state, nextCursor } = timeline;
    await this.printRows(
      entries.map((entry) => [
        secondText(entry.at),
        entry.kind,
        'by' in entry ? actorText(entry.by) : '-',
        entryText(entry),
      ]),
    );
    const many = counted(entries.length, 'entry', 'entries');
    this.terminal.note(`${many} of a session that ${state === 'live' ? 'is live' : `is over (${state})`}\n`);
    this.noteNext(nextCursor);
  }
}

async function queryOf(options: EntriesOptions): Promise<TimelineQuery> {
  const given = pageOf(options);
  // Imported here, so that other commands start without class-validator.
  const { readTimelineQuery } = await import('../../operate/journal/timeline.query.js');
  return valid(readTimelineQuery(given, FLAGS));
}
