import { FaultNotice } from '../../parts/fault-notice.js';
import { Loading } from '../../parts/loading.js';
import { TableRegion } from '../../parts/table-region.js';
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
        <TableRegion label={texts.viewNames.users}>
          <thead>
            <tr>
              <th scope="col">{texts.columns.user}</th>
              <th scope="col" class="number" aria-sort={order === 'sessions' ? 'descending' : undefined}>
                {texts.viewNames.sessions}
              </th>
              <th scope="col" class="number" aria-sort={order === 'resources' ? 'descending' : undefined}>
                {texts.columns.files}
              </th>
              <th scope="col" class="number" aria-sort={order === 'bytes' ? 'descending' : undefined}>
                {texts.columns.bytes}
              </th>
            </tr>
          </thead>
          <tbody>
            {top.map((user) => (
              <tr key={user.user_id}>
                <td class="user">
                  <a href={hashOf('users', { user: user.user_id })}>
                    <UserText text={user.user_id} />
                  </a>
                </td>
                <td class="number">{formatNumber(user.sessions)}</td>
                <td class="number">{formatNumber(user.resources)}</td>
                <td class="number">{formatBytes(user.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </TableRegion>
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
