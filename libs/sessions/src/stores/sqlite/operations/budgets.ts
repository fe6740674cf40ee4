import type { DatabaseSync } from 'node:sqlite';
import {
  addedTo,
  brokenQuota,
  NO_USAGE,
  type BudgetLimits,
  type Quota,
  type Usage,
} from '../../../domain/budgets.js';
import type { Amount } from '../../../domain/limits.js';
import type { BudgetsGroup, UserQuery, UserUsage } from '../../../ports/budgets.js';
import type { InOneThread } from '../../../ports/store/store-groups.js';
import { BUDGET_OF_ALL, BUDGET_OF_NETWORK, BUDGET_OF_USER } from '../database/schema.js';
import { numberOf, textOf, type Row } from '../database/values.js';

/** The columns of a session that tell what it counts for. */
export const COUNTED_COLUMNS = `
  sessions.budget, sessions.resource_count, sessions.stream_count, sessions.bytes_used, sessions.incoming_count,
  sessions.incoming_bytes, sessions.most_resources, sessions.most_bytes`;

/** Reads the table `budgets`, which triggers keep: see the schema. */
export class SqliteBudgets implements InOneThread<BudgetsGroup> {
  readonly #of;
  readonly #users;

  constructor(db: DatabaseSync) {
    this.#of = db.prepare('SELECT * FROM budgets WHERE key = :key');
    this.#users = db.prepare(`
      SELECT *, substr(key, ${BUDGET_OF_USER.length + 1}) AS user_id FROM budgets
      WHERE key > :after AND key < :end ORDER BY key LIMIT :limit`);
  }

  ofUser(userId: string): Usage {
    return this.#read(BUDGET_OF_USER + userId);
  }

  listUsers({ limit, after = '' }: UserQuery): UserUsage[] {
    const found = this.#users.all({ limit, after: BUDGET_OF_USER + after, end: END_OF_USERS });
    return found.map((row) => ({ userId: textOf(row, 'user_id'), ...usageOf(row) }));
  }

  /** The open sessions without a user of a network. */
  sessionsOfNetwork(network: string): number {
    return this.#read(BUDGET_OF_NETWORK + network).sessions;
  }

  /** The limit that refuses `more` files or bytes to a session, by its row with `COUNTED_COLUMNS`. */
  refusing(session: Row, more: Amount, limits: BudgetLimits | null): Quota | null {
    if (limits === null) return null;
    const most = { resources: numberOf(session, 'most_resources'), bytes: numberOf(session, 'most_bytes') };
    const added = addedTo(holdingOf(session), most, more);
    if (added.resources === 0 && added.bytes === 0) return null;
    const budget = session['budget'];
    const own = (scope: string): Usage | null =>
      typeof budget === 'string' && budget.startsWith(scope) ? this.#read(budget) : null;
    const held = {
      user: own(BUDGET_OF_USER),
      network: own(BUDGET_OF_NETWORK),
      all: this.#read(BUDGET_OF_ALL),
    };
    return brokenQuota(held, added, limits);
  }

  #read(key: string): Usage {
    const row = this.#of.get({ key });
    return row === undefined ? NO_USAGE : usageOf(row);
  }
}

/** No id of a user follows: `;` is the character after the colon. */
const END_OF_USERS = BUDGET_OF_USER.replace(':', ';');

function usageOf(row: Row): Usage {
  return {
    sessions: numberOf(row, 'sessions'),
    resources: numberOf(row, 'resources'),
    bytes: numberOf(row, 'bytes'),
  };
}

function holdingOf(session: Row): Parameters<typeof addedTo>[0] {
  return {
    resourceCount: numberOf(session, 'resource_count'),
    streamCount: numberOf(session, 'stream_count'),
    bytesUsed: numberOf(session, 'bytes_used'),
    incomingCount: numberOf(session, 'incoming_count'),
    incomingBytes: numberOf(session, 'incoming_bytes'),
  };
}
