import { CLEANUP_JOBS } from '../../../domain/events.js';
import type { ClockAnchor, ClockDoubt, ClockGroup, ClockReading, ClockState } from '../../../ports/clock.js';
import {
  DOUBT_CLOCK,
  FORGET_AFTER,
  FORGET_HEARTBEATS_AFTER,
  FORGET_RUN_AFTER,
  READ_CLOCK,
  TRUST_CLOCK,
} from '../scripts/lua/clock.scripts.js';
import { FIELDS, SEEN } from '../scripts/lua/store.scripts.js';
import type { RedisBuckets } from '../buckets/redis.buckets.js';
import { numberOf, textOf, textsOf } from '../buckets/redis.values.js';

/** The clock of Redis, from which each process counts on. */
export class RedisClock implements ClockGroup {
  readonly #keys: readonly string[];

  constructor(private readonly buckets: RedisBuckets) {
    this.#keys = buckets.layout.processes;
  }

  async anchor({ monotonicMs, bootId }: ClockReading): Promise<ClockAnchor> {
    const [{ timeMs, edition }, seen, seenByBuckets] = await Promise.all([
      this.#read(),
      this.buckets.run(SEEN, this.#keys, []),
      this.buckets.askAll(FIELDS, 'totals', 'seen_at'),
    ]);
    const instants = [textOf(seen), ...seenByBuckets.flatMap(textsOf)].filter((text) => text !== '');
    const lastSeenAt = instants.length === 0 ? null : Math.max(...instants.map(Number));
    return { wallMs: timeMs, monotonicMs, bootId, lastSeenAt, wallOffsetMs: null, edition };
  }

  async read(): Promise<ClockState> {
    const { timeMs, edition, doubtedUntil } = await this.#read();
    return { edition, doubtedUntil, ownTimeMs: timeMs };
  }

  async doubt({ until }: ClockDoubt): Promise<void> {
    await this.buckets.run(DOUBT_CLOCK, this.#keys, [until]);
  }

  async trust(reading: ClockReading): Promise<ClockAnchor> {
    const { timeMs } = await this.#read();
    await this.forgetAfter(Math.floor(timeMs));
    // Last, so that a process that sees the new edition finds no later instant.
    await this.buckets.run(TRUST_CLOCK, this.#keys, []);
    // The store has now seen the instant that the operator vouches for, even if no process was alive for days.
    return { ...(await this.anchor(reading)), lastSeenAt: Math.floor(timeMs) };
  }

  async forgetAfter(at: number): Promise<void> {
    const { layout } = this.buckets;
    await Promise.all([
      this.buckets.run(FORGET_HEARTBEATS_AFTER, this.#keys, [at]),
      ...CLEANUP_JOBS.map((job) => this.buckets.run(FORGET_RUN_AFTER, [layout.job(job)], [at])),
      this.buckets.inAll((bucket) => this.buckets.runIn(FORGET_AFTER, bucket, at)),
    ]);
  }

  async #read(): Promise<{ timeMs: number; edition: number; doubtedUntil: number | null }> {
    const reply = textsOf(await this.buckets.run(READ_CLOCK, this.#keys, []));
    const [time, edition, doubtedUntil] = reply;
    return {
      timeMs: numberOf(time),
      edition: numberOf(edition),
      doubtedUntil: doubtedUntil ? numberOf(doubtedUntil) : null,
    };
  }
}
