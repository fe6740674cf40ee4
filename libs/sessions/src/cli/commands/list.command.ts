import { Option } from 'nest-commander';
import { MAX_PAGE, SessionPage } from '../../operate/lists/session-page.js';
import { pageJson } from '../../operate/views/session-views.js';
import type { SessionDetails } from '../../core/sessions/session-details.js';
import type { LiveListQuery } from '../../operate/lists/session-list.query.js';
import { usage } from '../output/command-failure.js';
import { gather, single, type Given } from '../running/option-values.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { columns } from '../output/table.js';
import { ESCAPED_JSON } from '../output/escape-control.js';
import { cell, counted, size, span } from '../output/format.js';

const DEFAULT_LIMIT = 100;
const FLAGS = { limit: '--limit', cursor: '--cursor', user_id: '--user', sort: '--sort' };

interface ListOptions {
  readonly limit?: Given;
  readonly cursor?: Given;
  readonly user?: Given;
  readonly sort?: Given;
  readonly json?: boolean;
}

/** Lists one page of live sessions. This does not count as session activity. */
export abstract class ListCommand extends SessionsCommandRunner {
  @Option({
    flags: '--limit <number>',
    description: `sessions per page, 1 to ${MAX_PAGE} (default: ${DEFAULT_LIMIT})`,
  })
  gatherLimit(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--cursor <cursor>', description: 'next page: the cursor that the page before printed' })
  gatherCursor(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--user <id>', description: 'only the sessions of this user' })
  gatherUser(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({
    flags: '--sort <order>',
    description: 'created_at or last_activity; with a leading -: latest first (default: created_at)',
  })
  gatherSort(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--json', description: 'prints JSON, that of GET /admin/sessions' })
  wantsJson(): boolean {
    return true;
  }

  protected override async execute(_parameters: readonly string[], options: ListOptions): Promise<void> {
    const query = await queryOf(options);
    const page = await SessionPage.open(await this.access.open(), query);
    if (options.json) return this.terminal.printPieces(pageJson(page, ESCAPED_JSON));
    const rows: (string | number)[][] = [];
    for await (const slice of page.slices()) rows.push(...slice.map((session) => rowOf(session, page.now)));
    if (rows.length > 0) await this.terminal.print(columns(this.terminal, HEAD, rows));
    const { totals, nextCursor } = await page.end();
    this.terminal.note(`${rows.length} of ${counted(totals.open, 'active session')}\n`);
    if (nextCursor !== null) this.terminal.note(`Next page: --sort=${query.sort} --cursor ${nextCursor}\n`);
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

async function queryOf({ limit, cursor, user, sort }: ListOptions): Promise<LiveListQuery> {
  const given = {
    limit: single(FLAGS.limit, limit) ?? String(DEFAULT_LIMIT),
    cursor: single(FLAGS.cursor, cursor),
    user_id: single(FLAGS.user_id, user),
    sort: single(FLAGS.sort, sort),
  };
  // Imported here, so that other commands start without class-validator.
  const { readSessionListQuery } = await import('../../operate/lists/session-list.query.js');
  const read = readSessionListQuery(given, FLAGS);
  if (read.kind === 'invalid') throw usage(read.faults.join('; '));
  if (read.query.state === 'ended') throw usage('only live sessions');
  return read.query;
}
