import type { SessionsCore } from '../../core/core.js';
import { SESSION_SORTS } from '../../ports/store/session-store.js';
import { readEndedPage } from '../../operate/journal/ended-page.js';
import type { EndedListQuery, LiveListQuery } from '../../operate/lists/session-list.query.js';
import { MAX_PAGE, SessionPage } from '../../operate/lists/session-page.js';
import { pastSessionView } from '../../operate/journal/journal-views.js';
import { sessionListJson, sessionViews } from '../../operate/views/session-views.js';
import { ESCAPED_JSON } from '../output/escape-control.js';
import { counted } from '../output/format.js';
import { endedTable, sessionTable } from '../output/session-table.js';
import { flag, value, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { FILTER, FILTER_FLAGS, filterValues } from '../running/session-filters.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json, page, pageOf, PAGE_FLAGS, valid } from '../running/shared-options.js';
import { STREAM, streamPages, type StreamedPage } from '../running/stream.js';
import { WATCH } from '../running/watch.js';

const FLAGS = { ...PAGE_FLAGS, ...FILTER_FLAGS, sort: '--sort', state: '--state' };

const OPTIONS = {
  ...FILTER,
  state: value('state', 'live sessions, or those that ended within the journal (default: live)', [
    'live',
    'ended',
  ]),
  sort: value('order', 'with a leading -: latest or largest first (default: created_at)', SESSION_SORTS),
  ...page('sessions'),
  wide: flag('whole ids and texts, as wide as they are'),
  ...WATCH,
  ...STREAM,
  json: json('GET /admin/sessions'),
};

type Options = OptionsOf<typeof OPTIONS>;

/** Lists one page of sessions, or all of them. This does not count as session activity. */
export class ListCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'list',
    description: 'lists live sessions, or those that have ended',
    example: '--near-limit 80 --sort=-total_bytes_used --limit 10',
    options: OPTIONS,
  };

  protected override async execute(
    _parameters: readonly string[],
    options: Options,
    signal: AbortSignal,
  ): Promise<void> {
    const query = await queryOf(options);
    const core = await this.access.open();
    if (options.stream) {
      return streamPages(this.terminal, options, signal, ({ limit = String(MAX_PAGE), cursor }) =>
        streamedPage(core, { ...options, limit, cursor }),
      );
    }
    if (options.json) return this.terminal.printPieces(await sessionListJson(core, query, ESCAPED_JSON));
    const nextCursor =
      query.state === 'live'
        ? await this.printLive(core, query, options)
        : await this.printEnded(core, query, options);
    this.noteMore(nextCursor);
  }

  private async printLive(core: SessionsCore, query: LiveListQuery, { wide }: Options) {
    // The table shows counts, not the resources.
    const { sessions, limits, now, end } = await pageWithEnd(core, { ...query, resources: 'none' });
    const table = sessionTable(this.terminal, sessions, { limits, now, isWide: wide ?? false });
    await this.terminal.print(table);
    const { totals, nextCursor } = end;
    this.terminal.note(`${sessions.length} of ${counted(totals.open, 'active session')}\n`);
    return nextCursor;
  }

  private async printEnded(core: SessionsCore, query: EndedListQuery, { wide }: Options) {
    const { sessions, nextCursor } = await readEndedPage(core, query);
    const table = endedTable(this.terminal, sessions, { now: core.clock.now(), isWide: wide ?? false });
    await this.terminal.print(table);
    this.terminal.note(`${counted(sessions.length, 'ended session')}\n`);
    return nextCursor;
  }
}

async function pageWithEnd(core: SessionsCore, query: LiveListQuery) {
  const found = await SessionPage.open(core, query);
  const { sessions, limits, now } = found;
  return { sessions, limits, now, end: await found.end() };
}

async function streamedPage(core: SessionsCore, options: Options): Promise<StreamedPage> {
  const query = await queryOf(options);
  if (query.state === 'live') {
    const found = await SessionPage.open(core, query);
    return { slices: sessionViews(found), next: async () => (await found.end()).nextCursor };
  }
  const { sessions, nextCursor } = await readEndedPage(core, query);
  return { slices: [sessions.map(pastSessionView)], next: async () => nextCursor };
}

async function queryOf(options: Options) {
  const given = {
    ...pageOf(options),
    ...filterValues(options),
    sort: options.sort,
    state: options.state,
  };
  // Imported here, so that other commands start without class-validator.
  const { readSessionListQuery } = await import('../../operate/lists/session-list.query.js');
  return valid(readSessionListQuery(given, FLAGS));
}
