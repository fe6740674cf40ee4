import { Option } from 'nest-commander';
import { decodeCursor, encodeCursor } from '../../operate/page-cursor.js';
import { sessionView, statsView } from '../../operate/views.js';
import type { SessionDetails } from '../../core/sessions/session.service.js';
import type { SessionQuery, SessionSort } from '../../ports/session-store.js';
import { usage } from '../output/command-failure.js';
import { gather, single, sort, userId, wholeNumber, type Given } from './option-values.js';
import { SessionsCommandRunner } from './sessions-command-runner.js';
import { columns } from '../output/table.js';
import { cell, counted, size, span } from '../output/format.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

interface ListOptions {
  readonly limit?: Given;
  readonly cursor?: Given;
  readonly user?: Given;
  readonly sort?: Given;
  readonly json?: boolean;
}

/** The live sessions, one page of them. Looking at them is no activity of theirs. */
export abstract class ListCommand extends SessionsCommandRunner {
  @Option({
    flags: '--limit <number>',
    description: `at most so many sessions, 1 to ${MAX_LIMIT} (default: ${DEFAULT_LIMIT})`,
  })
  gatherLimit(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--cursor <cursor>', description: 'the page that follows; the one before names it' })
  gatherCursor(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--user <id>', description: 'only the sessions of this user' })
  gatherUser(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({
    flags: '--sort <order>',
    description: 'created_at or last_activity; with - before it: the latest first (default: created_at)',
  })
  gatherSort(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--json', description: 'JSON, as GET /admin/sessions has it' })
  wantsJson(): boolean {
    return true;
  }

  protected override async execute(_parameters: readonly string[], options: ListOptions): Promise<void> {
    const query = queryOf(options);
    const { core, clock } = await this.access.open();
    const [found, totals] = await Promise.all([
      core.service.list({ ...query, limit: query.limit + 1 }),
      core.service.totals(),
    ]);
    const now = clock.now();
    const page = found.slice(0, query.limit);
    const last = found.length > query.limit ? page.at(-1) : undefined;
    const cursor = last && encodeCursor(query.sort, { instant: instantOf(last, query.sort), id: last.id });
    if (options.json) {
      const sessions = page.map((session) => sessionView(session, now));
      return this.terminal.printJson({
        sessions,
        stats: statsView(totals),
        ...(cursor && { next_cursor: cursor }),
      });
    }
    await this.printTable(page, now);
    this.terminal.note(`${page.length} of ${counted(totals.open, 'active session')}\n`);
    if (cursor) this.terminal.note(`More: --sort=${query.sort} --cursor ${cursor}\n`);
  }

  private async printTable(page: readonly SessionDetails[], now: number): Promise<void> {
    if (page.length === 0) return;
    const head = ['SESSION', 'USER', 'ADDRESS', 'AGE', 'IDLE', 'REQUESTS', 'RESOURCES', 'SIZE'];
    const rows = page.map((session) => [
      session.id,
      cell(session.userId),
      cell(session.ipAddress),
      span(now - session.createdAt),
      span(now - session.lastActivityAt),
      session.requestCount,
      session.resourceCount,
      size(session.bytesUsed),
    ]);
    await this.terminal.print(columns(this.terminal, head, rows));
  }
}

function queryOf(options: ListOptions): SessionQuery {
  const order = sort(options.sort) ?? 'created_at';
  const user = userId(options.user);
  const cursor = single('--cursor', options.cursor);
  const after = cursor === undefined ? undefined : decodeCursor(order, cursor);
  if (after === null) throw usage('--cursor takes what a page with the same --sort named');
  return {
    limit: wholeNumber('--limit', options.limit, 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
    sort: order,
    ...(user !== undefined && { userId: user }),
    ...(after && { after }),
  };
}

function instantOf(session: SessionDetails, order: SessionSort): number {
  return order.endsWith('created_at') ? session.createdAt : session.lastActivityAt;
}
