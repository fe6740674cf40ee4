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

/** A reservation of this age is not of a process that is still opening its session. */
const STALE_MS = 60_000;
const CORRECT_EVERY_MS = 1000;

const COUNTS = ['created', 'closed'];

/** What a bucket counted so far; both only grow. */
export interface BucketCounts {
  readonly created: string;
  readonly closed: string;
}

/** Bucket, session id, how many there may be. */
type Reservation = readonly [number, string, number];
/** Bucket, its created and closed, session id or nothing, whether that was opened. */
type Settlement = readonly [number, string, string, string, 0 | 1];

/**
 * How many sessions are open, over all buckets. A session is counted before it is opened in its bucket, so that there are
 * never too many; it is taken off the count when its opening failed, or when it closes. A crash in between is put right
 * later: each bucket knows how many sessions it created and closed, and both numbers only grow.
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

  /** The session was opened, or its opening failed. Nobody waits for this: if it is lost, the count is put right later. */
  settleSoon(bucket: number, counts: BucketCounts, sessionId: string, isOpened: boolean): void {
    this.#settling = this.#settle(bucket, counts, sessionId, isOpened).catch(() => {});
  }

  /** Resolves when what `settleSoon` began is done. */
  async settled(): Promise<void> {
    await this.#settling;
  }

  /** A session of this bucket closed. */
  async giveBack(bucket: number, { created, closed }: BucketCounts): Promise<void> {
    await this.#settlements.ask([bucket, created, closed, '', 0]);
  }

  /** Counts anew, unless a session is being opened at the moment. At most once a second. */
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

  /** The processes that reserved these are gone: the bucket knows whether the session was opened. */
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
