import type { SessionsCore } from '../../core/core.js';
import { MAX_PAGE } from '../../operate/lists/session-page.js';
import { timelineView } from '../../operate/journal/journal-views.js';
import { readTimeline, type Timeline } from '../../operate/journal/timeline.js';
import type { TimelineQuery } from '../../operate/journal/timeline.query.js';
import { counted } from '../output/format.js';
import { actorText, entryText, secondText } from '../output/journal-text.js';
import { entryTable } from '../output/table.js';
import type { CommandDeclaration, OptionsOf } from '../running/command-declaration.js';
import { resolveSessionId, sessionIdText, unknownSession } from '../running/session-ids.js';
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
import { STREAM, streamPages } from '../running/stream.js';

const OPTIONS = {
  ...page('entries'),
  ...STREAM,
  json: json('GET /admin/sessions/{session_id}/timeline'),
};

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
    signal: AbortSignal,
  ): Promise<void> {
    const text = sessionIdText(given);
    const query = await queryOf(options);
    const core = await this.access.open();
    const id = await resolveSessionId(core, text);
    if (options.stream) {
      return streamPages(this.terminal, options, signal, async ({ limit = String(MAX_PAGE), cursor }) => {
        const found = await timelineOf(core, id, await queryOf({ limit, cursor }));
        return { slices: [timelineView(found).entries], next: async () => found.nextCursor };
      });
    }
    const timeline = await timelineOf(core, id, query);
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

async function timelineOf(core: SessionsCore, id: string, query: TimelineQuery): Promise<Timeline> {
  const timeline = await readTimeline(core, id, query);
  if (!timeline) throw unknownSession();
  return timeline;
}

async function queryOf(options: Pick<OptionsOf<typeof OPTIONS>, 'limit' | 'cursor'>): Promise<TimelineQuery> {
  // Imported here, so that other commands start without class-validator.
  const { readTimelineQuery } = await import('../../operate/journal/timeline.query.js');
  return valid(readTimelineQuery(pageOf(options), PAGE_FLAGS));
}
