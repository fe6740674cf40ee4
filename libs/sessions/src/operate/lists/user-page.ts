import { compareIds } from '../../domain/ids.js';
import type { SessionsCore } from '../../core/core.js';
import type { UserQuery, UserUsage } from '../../ports/store/session-store.js';
import { cursorAfterUser } from './page-cursor.js';

/** Users that are read at once. */
const PAGE = 1000;

/** Users who have open sessions, by id in the order of its UTF-8 bytes. */
export interface UserPage {
  readonly users: readonly UserUsage[];
  /** Cursor of the next page; `null` on the last page. */
  readonly nextCursor: string | null;
}

/** Limits of every user, as configured in this process; `null` for none. */
export interface UserQuota {
  readonly maxSessions: number | null;
  readonly maxResources: number | null;
  readonly maxBytes: number | null;
}

/** At most `query.limit` users. Rejects if the store does not answer. */
export async function readUserPage({ store }: SessionsCore, query: UserQuery): Promise<UserPage> {
  const found = await store.budgets.listUsers({ ...query, limit: query.limit + 1 });
  const users = found.slice(0, query.limit);
  const last = users.at(-1);
  return { users, nextCursor: last && users.length < found.length ? cursorAfterUser(last.userId) : null };
}

/** The users who have most of something, most first. Reads all users, in pages. Rejects if the store does not answer. */
export async function topUsers(
  { store }: SessionsCore,
  by: 'sessions' | 'resources' | 'bytes',
  limit: number,
): Promise<UserUsage[]> {
  let top: UserUsage[] = [];
  let after: string | undefined;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
    const page = await store.budgets.listUsers({ limit: PAGE, ...(after !== undefined && { after }) });
    top = [...top, ...page]
      .toSorted((a, b) => b[by] - a[by] || compareIds(a.userId, b.userId))
      .slice(0, limit);
    after = page.at(-1)?.userId;
    if (after === undefined || page.length < PAGE) return top;
  }
}

/** A limit that the store does not keep is none. */
export function userQuotaOf({ config, store }: SessionsCore): UserQuota {
  const kept = (limit: number): number | null => (store.keepsBudgets && limit !== 0 ? limit : null);
  return {
    maxSessions: kept(config.maxSessionsPerUser),
    maxResources: kept(config.maxResourcesPerUser),
    maxBytes: kept(config.maxBytesPerUser),
  };
}
