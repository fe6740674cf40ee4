import { CallBatcher } from './call-batcher.js';
import type { RedisBuckets } from './redis.buckets.js';
import {
  CORRECT_COUNTS,
  READ_COUNTS,
  RESERVE_COUNTS,
  SETTLE_COUNTS,
  STALE_RESERVATIONS,
} from '../scripts/lua/counts.scripts.js';
import { FIELDS } from '../scripts/lua/store.scripts.js';
import { pairsOf, textsOf } from './redis.values.js';

/** A process opens its session well before its reservation is this old, or has died. */
const STALE_MS = 60_000;
const CORRECT_EVERY_MS = 1000;

const COUNTS = ['created', 'closed'];

/** How many sessions a bucket has created and closed in all; neither number ever falls. */
export interface BucketCounts {
  readonly created: string;
  readonly closed: string;
}

/** Bucket, session id, limit. */
type Reservation = readonly [number, string, number];
/** Bucket, its created and closed, session id or '', whether that session was opened. */
type Settlement = readonly [number, string, string, string, 0 | 1];

/**
 * Counts the open sessions of all buckets. A session is counted before its bucket opens it, so that the limit holds, and
 * subtracted if the opening fails or when it ends. After a crash in between, `correct` compares the count with the numbers
 * of sessions that each bucket created and closed.
 */
export class SessionCounts {
  #correcting: Promise<void> | null = null;
  #correctedAt = Number.NEGATIVE_INFINITY;
  #settling: Promise<unknown> = Promise.resolve();
  readonly #reservations;
  readonly #settlements;

  constructor(private readonly buckets: RedisBuckets) {
    this.#reservations = new CallBatcher(async (asked: readonly Reservation[]) =>
      textsOf(await this.#run(RESERVE_COUNTS, ...asked.flat())),
    );
    this.#settlements = new CallBatcher(async (settled: readonly Settlement[]) => {
      await this.#run(SETTLE_COUNTS, ...settled.flat());
      return [];
    });
  }

  async reserve(bucket: number, sessionId: string, most: number): Promise<boolean> {
    return (await this.#reservations.ask([bucket, sessionId, most])) === 'reserved';
  }

  /** Records whether the session was opened, in the background. If that fails, `correct` mends the count later. */
  settleSoon(bucket: number, counts: BucketCounts, sessionId: string, isOpened: boolean): void {
    this.#settling = this.#settle(bucket, counts, sessionId, isOpened).catch(() => {});
  }

  /** Resolves when the last `settleSoon` has finished. */
  async settled(): Promise<void> {
    await this.#settling;
  }

  /** Subtracts a session of this bucket that closed. */
  async giveBack(bucket: number, { created, closed }: BucketCounts): Promise<void> {
    await this.#settlements.ask([bucket, created, closed, '', 0]);
  }

  /** Corrects the count, at most once a second, and not while a session is being opened. */
  correct(): Promise<void> {
    if (performance.now() - this.#correctedAt < CORRECT_EVERY_MS) return Promise.resolve();
    this.#correcting ??= this.#correct().finally(() => {
      this.#correctedAt = performance.now();
      this.#correcting = null;
    });
    return this.#correcting;
  }

  async #correct(): Promise<void> {
    await this.#settleStale();
    const [isQuiet, ...fields] = textsOf(await this.#run(READ_COUNTS));
    if (isQuiet !== '1') return;
    const seen = pairsOf(fields);
    const counts = await this.buckets.askAll(FIELDS, 'totals', ...COUNTS);
    const args = this.buckets.all.map((bucket) => {
      const { created, closed } = countsOf(textsOf(counts[bucket]));
      const [reserved, freed] = [seen.get(`reserved:${bucket}`) ?? '0', seen.get(`closed:${bucket}`) ?? '0'];
      return reserved === created && freed === closed ? [] : [bucket, reserved, freed, created, closed];
    });
    const wrong = args.flat();
    if (wrong.length > 0) await this.#run(CORRECT_COUNTS, ...wrong);
  }

  /** The processes of these reservations have died; the bucket shows whether the session was opened. */
  async #settleStale(): Promise<void> {
    const stale = textsOf(await this.#run(STALE_RESERVATIONS, STALE_MS));
    await this.buckets.byBucket(stale, async (bucket, ids) => {
      const found = await this.buckets.fields(bucket, 'sessions', ...ids);
      const counts = countsOf(await this.buckets.fields(bucket, 'totals', ...COUNTS));
      await Promise.all(ids.map((id, index) => this.#settle(bucket, counts, id, found[index] !== '')));
    });
  }

  async #settle(
    bucket: number,
    { created, closed }: BucketCounts,
    sessionId: string,
    isOpened: boolean,
  ): Promise<void> {
    await this.#settlements.ask([bucket, created, closed, sessionId, isOpened ? 1 : 0]);
  }

  #run(script: Parameters<RedisBuckets['run']>[0], ...args: readonly (string | number)[]): Promise<unknown> {
    return this.buckets.run(script, this.buckets.layout.counts, args);
  }
}

function countsOf([created, closed]: readonly string[]): BucketCounts {
  return { created: created || '0', closed: closed || '0' };
}
