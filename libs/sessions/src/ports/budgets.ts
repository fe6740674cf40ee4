import type { Usage } from '../domain/budgets.js';

/**
 * Reads what the sessions of users count for (see `countedOf`). Every store counts it in the step that changes it, so that the
 * limits of `sessions.login`, `sessions.open`, `resources.reserve` and `resources.grow` hold whoever races.
 */
export abstract class BudgetsGroup {
  /** What the open sessions of a user count for; zeros for a user who has none. */
  abstract ofUser(userId: string): Promise<Usage>;

  /** One page of the users who have open sessions, by id in the order of its UTF-8 bytes. */
  abstract listUsers(query: UserQuery): Promise<UserUsage[]>;

  /** The number of users who have open sessions; `null` from a store that would have to list them. */
  abstract countUsers(): Promise<number | null>;
}

export interface UserQuery {
  readonly limit: number;
  /** The last user of the previous page. */
  readonly after?: string;
}

export interface UserUsage extends Usage {
  readonly userId: string;
}
