import type { DatabaseSync } from 'node:sqlite';
import {
  addedTo,
  brokenQuota,
  NO_USAGE,
  type BudgetLimits,
  type Quota,
  type Usage,
} from '../../../domain/budgets.js';
import type { Amount, ResourceLimits } from '../../../domain/limits.js';
import type { BudgetsGroup, UserQuery, UserUsage } from '../../../ports/budgets.js';
import type { InOneThread } from '../../../ports/store/store-groups.js';
import { BUDGET_OF_ALL, BUDGET_OF_NETWORK, BUDGET_OF_USER } from '../database/budgets.schema.js';
import { numberOf, textOf, type Row } from '../database/values.js';

/** The columns of a session that tell what it counts for. */
export const COUNTED_COLUMNS = `
  sessions.budget, sessions.resource_count, sessions.stream_count, sessions.bytes_used, sessions.incoming_count,
  sessions.incoming_bytes, sessions.most_resources, sessions.most_bytes`;

/** Reads the table `budgets`, which triggers keep: see the schema. */
export class SqliteBudgets implements InOneThread<BudgetsGroup> {
  readonly #of;
  readonly #users;
  readonly #countUsers;
  readonly #bound;

  constructor(db: DatabaseSync) {
    this.#of = db.prepare('SELECT * FROM budgets WHERE key = :key');
    this.#bound = db.prepare(
      'UPDATE sessions SET most_resources = :resources, most_bytes = :bytes WHERE key = :key',
    );
    this.#users = db.prepare(`
      SELECT *, substr(key, ${BUDGET_OF_USER.length + 1}) AS user_id FROM budgets
      WHERE key > :after AND key < :end ORDER BY key LIMIT :limit`);
    this.#countUsers = db.prepare('SELECT count(*) AS users FROM budgets WHERE key > :after AND key < :end');
  }

  ofUser(userId: string): Usage {
    return this.#read(BUDGET_OF_USER + userId);
  }

  listUsers({ limit, after = '' }: UserQuery): UserUsage[] {
    const found = this.#users.all({ limit, after: BUDGET_OF_USER + after, end: END_OF_USERS });
    return found.map((row) => ({ userId: textOf(row, 'user_id'), ...usageOf(row) }));
  }

  countUsers(): number {
    return numberOf(this.#countUsers.get({ after: BUDGET_OF_USER, end: END_OF_USERS }) ?? {}, 'users');
  }

  /** The open sessions without a user of a network. */
  sessionsOfNetwork(network: string): number {
    return this.#read(BUDGET_OF_NETWORK + network).sessions;
  }

  /** From now on a session, by its row with `COUNTED_COLUMNS`, counts for no more than these limits of its own. */
  bound(session: Row, { maxResources: resources, maxBytes: bytes }: ResourceLimits): void {
    if (resources === session['most_resources'] && bytes === session['most_bytes']) return;
    this.#bound.run({ key: numberOf(session, 'session_key'), resources, bytes });
  }

  /** The limit that refuses `more` files or bytes to a session with these limits of its own. */
  refusing(session: Row, more: Amount, own: ResourceLimits, limits: BudgetLimits | null): Quota | null {
    if (limits === null) return null;
    const added = addedTo(holdingOf(session), { resources: own.maxResources, bytes: own.maxBytes }, more);
    if (added.resources === 0 && added.bytes === 0) return null;
    const budget = session['budget'];
    const of = (scope: string, ...quotas: readonly Quota[]): Usage | null => {
      const isIn = typeof budget === 'string' && budget.startsWith(scope);
      return isIn && quotas.some((quota) => limits[quota] !== 0) ? this.#read(budget) : null;
    };
    const held = {
      user: of(BUDGET_OF_USER, 'maxResourcesPerUser', 'maxBytesPerUser'),
      network: of(BUDGET_OF_NETWORK, 'maxBytesPerNetwork'),
      all: limits.maxTotalBytes === 0 ? NO_USAGE : this.#read(BUDGET_OF_ALL),
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
