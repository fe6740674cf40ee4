import { SessionsError } from '../../../domain/errors.js';
import { isStillSilent, NEWER_MESSAGE, StoreHeld, type Holder } from '../../../ports/store/store-trouble.js';
import { incompatible } from '../connection/redis.errors.js';
import { FIRST_LAYOUT } from '../scripts/redis.layout.js';
import { BEGIN_MIGRATION, FINISH_MIGRATION } from '../scripts/lua/store.scripts.js';
import type { RedisBuckets } from '../buckets/redis.buckets.js';
import type { RedisFleet } from './redis.fleet.js';
import { textOf } from '../buckets/redis.values.js';

/**
 * A step from one layout to the next. It may be repeated, also by several processes at once, and after one of them has begun
 * to use the new layout: it leaves alone what has the new form.
 */
export type RedisMigration = (buckets: RedisBuckets) => Promise<void>;

/** Entry n migrates a store from layout `FIRST_LAYOUT` + n to the next. */
export const MIGRATIONS: readonly RedisMigration[] = [];

/** The layouts of the store and of this program. */
export class RedisVersion {
  readonly layout: number;
  #isOutdated = false;

  constructor(
    private readonly buckets: RedisBuckets,
    private readonly fleet: Pick<RedisFleet, 'listProcesses'>,
    private readonly migrations: readonly RedisMigration[],
  ) {
    this.layout = layoutWith(migrations);
  }

  /** Whether a newer version has taken the store over. */
  get isOutdated(): boolean {
    return this.#isOutdated;
  }

  /** Judges the layout that the store was seen to have; '' for none. Throws if a newer version has taken it over. */
  note(layout: string): void {
    this.#isOutdated = Number(layout) > this.layout;
    if (this.#isOutdated) throw outdated();
  }

  /**
   * Takes over a store of layout `found`. Rejects with `StoreHeld` if it lists processes beside the `silent` ones. The number
   * changes first, so that no process of the older version goes on. If this process dies before the end, the next one
   * repeats all steps.
   */
  async takeOver(found: string, mustExist: boolean, silent: readonly Holder[]): Promise<void> {
    const from = Number(found);
    if (from > this.layout) throw this.#unfit('was written by a newer nest-sessions: update this one');
    if (!(from >= FIRST_LAYOUT)) throw this.#unfit('was written by a version that this one cannot migrate');
    if (from < this.layout && mustExist) {
      throw this.#unfit(
        `has layout ${found}, but this nest-sessions needs ${this.layout}: start the server of this version, which takes it over, or use the version of the running one`,
      );
    }
    if (from < this.layout) {
      const holders = await this.fleet.listProcesses();
      if (!holders.every((holder) => isStillSilent(holder, silent))) throw new StoreHeld(holders);
    }
    await this.#migrate();
  }

  async #migrate(): Promise<void> {
    const keys = [this.buckets.layout.store];
    const from = textOf(await this.buckets.run(BEGIN_MIGRATION, keys, [this.layout]));
    if (from === '') return;
    for (const step of this.migrations.slice(Number(from) - FIRST_LAYOUT)) {
      // oxlint-disable-next-line no-await-in-loop -- each step builds on the one before
      await step(this.buckets);
    }
    await this.buckets.run(FINISH_MIGRATION, keys, [this.layout]);
  }

  #unfit(why: string): SessionsError {
    return incompatible(
      `The session store under prefix \`${this.buckets.layout.prefix}\` in this Redis ${why}, or set another redisPrefix (SESSION_REDIS_PREFIX)`,
    );
  }
}

/** The layout that a program with these migrations writes. */
export function layoutWith(migrations: readonly RedisMigration[]): number {
  return FIRST_LAYOUT + migrations.length;
}

/** The error of every call once a newer version has taken the store over. */
export function outdated(): SessionsError {
  return incompatible(NEWER_MESSAGE);
}
