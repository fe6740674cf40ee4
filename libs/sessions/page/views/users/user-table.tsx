import { FaultNotice } from '../../parts/fault-notice.js';
import { Loading } from '../../parts/loading.js';
import { ColumnTable, type TableColumn } from '../../parts/column-table.js';
import { UserText } from '../../parts/user-text.js';
import type { User, UserList } from '../../server/answers.js';
import { hashOf } from '../../state/route.js';
import { usePage } from '../../state/page-context.js';
import { useAnswer } from '../../state/use-answer.js';
import { formatBytes, formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';

export const USER_ORDERS = ['bytes', 'resources', 'sessions'] as const;
export type UserOrder = (typeof USER_ORDERS)[number];

const READ_AGAIN_MS = 15_000;
const SHOWN = 100;
/** Pages of the server that are looked through for the largest. */
const MOST_PAGES = 20;

const columnsOf = (order: UserOrder): readonly TableColumn<User>[] => [
  {
    title: texts.columns.user,
    cellClass: () => 'user',
    cell: ({ user_id: id }) => (
      <a href={hashOf('users', { user: id })}>
        <UserText text={id} />
      </a>
    ),
  },
  {
    title: texts.viewNames.sessions,
    class: 'number',
    isSorted: order === 'sessions',
    cell: ({ sessions }) => formatNumber(sessions),
  },
  {
    title: texts.columns.files,
    class: 'number',
    isSorted: order === 'resources',
    cell: ({ resources }) => formatNumber(resources),
  },
  {
    title: texts.columns.bytes,
    class: 'number',
    isSorted: order === 'bytes',
    cell: ({ bytes }) => formatBytes(bytes),
  },
];

interface Properties {
  readonly order: UserOrder;
}

/** The users that hold the most. */
export function UserTable({ order }: Properties) {
  const { server } = usePage();
  const { answer, fault, isLoading, reload } = useAnswer(
    'users',
    (signal) => readUsers((parameters) => server.get<UserList>(['users'], parameters, signal)),
    READ_AGAIN_MS,
  );
  const top = answer?.users.toSorted((a, b) => b[order] - a[order]).slice(0, SHOWN);
  return (
    <>
      <FaultNotice fault={fault} onRetry={reload} />
      {answer === null && isLoading && <Loading />}
      {top?.length === 0 && <p class="empty">{texts.users.none}</p>}
      {answer?.isPart && <p class="hint">{texts.users.part(answer.users.length)}</p>}
      {top && top.length > 0 && (
        <ColumnTable
          label={texts.viewNames.users}
          rows={top}
          keyOf={({ user_id: id }) => id}
          columns={columnsOf(order)}
        />
      )}
    </>
  );
}

async function readUsers(
  read: (parameters: Record<string, string | number>) => Promise<UserList>,
): Promise<{ users: readonly User[]; isPart: boolean }> {
  const users: User[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const page = await read({ limit: 1000, ...(cursor !== undefined && { cursor }) });
    users.push(...page.users);
    cursor = page.next_cursor;
    if (cursor === undefined) break;
  }
  return { users, isPart: cursor !== undefined };
}
