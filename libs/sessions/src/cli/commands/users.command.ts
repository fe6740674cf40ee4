import type { SessionsCore } from '../../core/core.js';
import { MAX_PAGE, SessionPage } from '../../operate/lists/session-page.js';
import { readUserPage, topUsers, userQuotaOf, type UserPage } from '../../operate/lists/user-page.js';
import { userPageView, userView } from '../../operate/views/user-views.js';
import { usage } from '../output/command-failure.js';
import { counted, size, wholeCell } from '../output/format.js';
import { sessionTable } from '../output/session-table.js';
import { columns, facts, fittedColumns, section } from '../output/table.js';
import {
  argument,
  flag,
  value,
  type CommandDeclaration,
  type OptionsOf,
} from '../running/command-declaration.js';
import { userId } from '../running/option-values.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json, page, pageOf, PAGE_FLAGS, valid } from '../running/shared-options.js';
import { STREAM, streamPages } from '../running/stream.js';
import { WATCH } from '../running/watch.js';

/** Sessions that are shown of one user. */
const SHOWN = 20;
const SORTS = ['bytes', 'sessions', 'resources', 'user'] as const;

type Sort = (typeof SORTS)[number];

const OPTIONS = {
  sort: value('order', 'most first, or by id in pages (default: bytes; with --stream: user)', SORTS),
  ...page('users'),
  wide: flag('whole ids, as wide as they are'),
  ...WATCH,
  ...STREAM,
  json: json('GET /admin/sessions/users; with an id, that of GET /admin/sessions/users/{user_id}'),
};

type Options = OptionsOf<typeof OPTIONS>;

/** Lists users with what their live sessions hold, or shows one. */
export class UsersCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'users',
    description: 'shows sessions, resources and bytes of each user, or of one',
    arguments: { '[id]': argument('id of a user, as the application logs it in') },
    example: '--sort=bytes --limit 10',
    options: OPTIONS,
  };

  protected override async execute(
    [id]: readonly string[],
    options: Options,
    signal: AbortSignal,
  ): Promise<void> {
    if (id !== undefined) return this.showOne(userId(id), options);
    const sort = sortOf(options);
    await queryOf(options);
    const core = await this.access.open();
    const quota = userQuotaOf(core);
    if (options.stream) {
      return streamPages(this.terminal, options, signal, async ({ limit = String(MAX_PAGE), cursor }) => {
        const { users, nextCursor } = await readPage(core, sort, { limit, cursor });
        return { slices: [users.map((user) => userView(user, quota))], next: async () => nextCursor };
      });
    }
    const found = await readPage(core, sort, options);
    if (options.json) return this.terminal.printJson(userPageView(found, quota));
    await this.printTable(found, options);
    this.terminal.note(
      `${counted(found.users.length, 'user')}${sort === 'user' ? '' : ` with the most ${sort}`}; list has the sessions without a user too\n`,
    );
    this.noteMore(found.nextCursor);
  }

  private async printTable({ users }: UserPage, { wide }: Options): Promise<void> {
    if (users.length === 0) return;
    const head = ['USER', 'SESSIONS', 'RESOURCES', 'SIZE'];
    const rows = users.map((user) => [
      wholeCell(user.userId),
      user.sessions,
      user.resources,
      size(user.bytes),
    ]);
    await this.terminal.print(
      wide ? columns(this.terminal, head, rows) : fittedColumns(this.terminal, head, rows, [0]),
    );
  }

  private async showOne(id: string, options: Options): Promise<void> {
    for (const name of ['sort', 'limit', 'cursor', 'stream'] as const) {
      if (options[name] !== undefined) throw usage(`--${name} cannot be combined with the id of a user`);
    }
    const core = await this.access.open();
    const usageOfUser = await core.store.budgets.ofUser(id);
    const quota = userQuotaOf(core);
    if (options.json) return this.terminal.printJson(userView({ userId: id, ...usageOfUser }, quota));
    const { sessions, resources, bytes } = usageOfUser;
    await this.terminal.print(
      facts(this.terminal, [
        ['User', wholeCell(id)],
        ['Sessions', ofMost(sessions, quota.maxSessions)],
        ['Resources', ofMost(resources, quota.maxResources)],
        ['Size', ofMost(bytes, quota.maxBytes, size)],
      ]),
    );
    await this.printSessions(core, id, options);
  }

  private async printSessions(core: SessionsCore, id: string, { wide }: Options): Promise<void> {
    const { sessions, limits, now } = await SessionPage.open(core, {
      state: 'live',
      limit: SHOWN,
      sort: '-total_bytes_used',
      criteria: { userId: id },
      after: null,
      resources: 'none',
    });
    if (sessions.length === 0) return;
    const table = sessionTable(this.terminal, sessions, { limits, now, isWide: wide ?? false });
    await this.terminal.print(`\n${section(this.terminal, 'Live sessions, the largest first', table)}`);
  }
}

function sortOf({ stream, sort = stream ? 'user' : 'bytes', cursor }: Options): Sort {
  const known = SORTS.find((one) => one === sort);
  if (known === undefined) throw usage(`--sort must be one of ${SORTS.join(', ')}`);
  if (known !== 'user' && cursor !== undefined) throw usage('--cursor requires --sort=user');
  return known;
}

async function readPage(
  core: SessionsCore,
  sort: Sort,
  given: Pick<Options, 'limit' | 'cursor'>,
): Promise<UserPage> {
  const query = await queryOf(given);
  if (sort === 'user') return readUserPage(core, query);
  return { users: await topUsers(core, sort, query.limit), nextCursor: null };
}

async function queryOf(given: Pick<Options, 'limit' | 'cursor'>) {
  // Imported here, so that other commands start without class-validator.
  const { readUserListQuery } = await import('../../operate/lists/user-list.query.js');
  return valid(readUserListQuery(pageOf(given), PAGE_FLAGS));
}

function ofMost(used: number, most: number | null, text: (value: number) => string = String): string {
  return most === null ? text(used) : `${text(used)} of ${text(most)}`;
}
