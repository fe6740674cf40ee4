import { SessionPage } from '../../operate/lists/session-page.js';
import { pageJson } from '../../operate/views/session-views.js';
import type { SessionDetails } from '../../core/sessions/session-details.js';
import { SESSION_SORTS, type SessionQuery } from '../../ports/store/session-store.js';
import { value, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json, page, pageOf, PAGE_FLAGS, valid } from '../running/shared-options.js';
import { columns } from '../output/table.js';
import { ESCAPED_JSON } from '../output/escape-control.js';
import { cell, counted, size, span } from '../output/format.js';

const FLAGS = { ...PAGE_FLAGS, user_id: '--user', sort: '--sort' };

const OPTIONS = {
  ...page('sessions'),
  user: value('id', 'only the sessions of this user'),
  sort: value('order', 'with a leading -: latest first (default: created_at)', SESSION_SORTS),
  json: json('GET /admin/sessions'),
};

/** Lists one page of live sessions. This does not count as session activity. */
export class ListCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'list',
    description: 'lists live sessions',
    example: '--user anna --sort=-last_activity',
    options: OPTIONS,
  };

  protected override async execute(
    _parameters: readonly string[],
    options: OptionsOf<typeof OPTIONS>,
  ): Promise<void> {
    const query = await queryOf(options);
    const page = await SessionPage.open(await this.access.open(), query);
    if (options.json) return this.terminal.printPieces(pageJson(page, ESCAPED_JSON));
    const rows: (string | number)[][] = [];
    for await (const slice of page.slices()) rows.push(...slice.map((session) => rowOf(session, page.now)));
    if (rows.length > 0) await this.terminal.print(columns(this.terminal, HEAD, rows));
    const { totals, nextCursor } = await page.end();
    this.terminal.note(`${rows.length} of ${counted(totals.open, 'active session')}\n`);
    this.noteMore(nextCursor);
  }
}

const HEAD = ['SESSION', 'USER', 'ADDRESS', 'AGE', 'IDLE', 'REQUESTS', 'RESOURCES', 'SIZE'];

function rowOf(session: SessionDetails, now: number): (string | number)[] {
  return [
    session.id,
    cell(session.userId),
    cell(session.ipAddress),
    span(now - session.createdAt),
    span(now - session.lastActivityAt),
    session.requestCount,
    session.resourceCount,
    size(session.bytesUsed),
  ];
}

async function queryOf(options: OptionsOf<typeof OPTIONS>): Promise<SessionQuery> {
  const given = { ...pageOf(options), user_id: options.user, sort: options.sort };
  // Imported here, so that other commands start without class-validator.
  const { readSessionListQuery } = await import('../../operate/lists/session-list.query.js');
  return valid(readSessionListQuery(given, FLAGS));
}
