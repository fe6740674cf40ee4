import type { SessionsCore } from '../../core/core.js';
import type { UserQuery, UserUsage } from '../../ports/store/session-store.js';
import { cursorAfterUser } from './page-cursor.js';

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

/** A limit that the store does not keep is none. */
export function userQuotaOf({ config, store }: SessionsCore): UserQuota {
  const kept = (limit: number): number | null => (store.keepsBudgets && limit !== 0 ? limit : null);
  return {
    maxSessions: kept(config.maxSessionsPerUser),
    maxResources: kept(config.maxResourcesPerUser),
    maxBytes: kept(config.maxBytesPerUser),
  };
}
