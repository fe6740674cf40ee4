import { NO_BUDGETS, NO_USAGE, QUOTAS, type BudgetLimits, type Usage } from '../../../domain/budgets.js';
import type { BudgetsGroup, UserQuery, UserUsage } from '../../../ports/budgets.js';
import { byScore, entriesOf, type RedisBuckets } from '../buckets/redis.buckets.js';
import { numberOf, textsOf } from '../buckets/redis.values.js';
import { COUNT_UP_TO, NAMES_AFTER, UP_TO, USAGES } from '../scripts/lua/listings.scripts.js';

/** Of an answer of `USAGES`. */
const FIELDS = 3;

/** Reads what the scripts count: see `count_session`. On a cluster each bucket has a share of a budget, and no limit holds. */
export class RedisBudgets implements BudgetsGroup {
  constructor(private readonly buckets: RedisBuckets) {}

  async ofUser(userId: string): Promise<Usage> {
    const [usage = NO_USAGE] = await this.#of([userId]);
    return usage;
  }

  async listUsers({ limit, after = '' }: UserQuery): Promise<UserUsage[]> {
    const keys = this.buckets.layout.budget('users');
    const pages = await this.buckets.ask(NAMES_AFTER, keys, after, limit);
    const users = [...new Set(pages.flatMap(textsOf))].toSorted(byBytes).slice(0, limit);
    const usages = await this.#of(users);
    return users.map((userId, index) => ({ userId, ...(usages[index] ?? NO_USAGE) }));
  }

  /** On a cluster a user may have sessions in several buckets. */
  async countUsers(): Promise<number | null> {
    const { layout } = this.buckets;
    if (layout.isCluster) return null;
    const [count] = await this.buckets.ask(COUNT_UP_TO, layout.budget('users'), '+inf');
    return numberOf(count);
  }

  /** Ids of sessions of a network that may be evicted, in the order in which they go. */
  async evictableOf(network: string, limit: number): Promise<string[]> {
    const keys = this.buckets.layout.budget(`evictable:${network}`);
    const found = await this.buckets.ask(UP_TO, keys, '+inf', limit);
    const entries = found.flatMap(entriesOf).toSorted(byScore).slice(0, limit);
    return entries.map(({ id }) => id);
  }

  /** The arguments of a script that keeps these limits, in the order of `QUOTAS`. */
  argumentsOf(limits?: BudgetLimits | null): number[] {
    const kept = this.buckets.layout.isCluster ? NO_BUDGETS : (limits ?? NO_BUDGETS);
    return QUOTAS.map((quota) => kept[quota]);
  }

  /** A limit of sessions, 0 where it cannot be kept. */
  mostSessions(limit = 0): number {
    return this.buckets.layout.isCluster ? 0 : limit;
  }

  /** By one call, or on a cluster by one for each bucket. */
  async #of(userIds: readonly string[]): Promise<Usage[]> {
    const shares = (await this.buckets.ask(USAGES, this.buckets.layout.budget(''), ...userIds)).map(textsOf);
    return userIds.map((_, index) => {
      const sumOf = (field: number): number =>
        shares.reduce((sum, share) => sum + Number(share[index * FIELDS + field]), 0);
      return { sessions: sumOf(0), resources: sumOf(1), bytes: sumOf(2) };
    });
  }
}

/** In the order of their UTF-8, as Redis sorts them. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
