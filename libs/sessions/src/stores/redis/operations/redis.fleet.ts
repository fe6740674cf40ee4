import { CLEANUP_JOBS, type CleanupJob } from '../../../domain/events.js';
import type { ClockAnchor, ClockReading } from '../../../ports/clock.js';
import type { Heartbeat, JobRecord, JobRun } from '../../../ports/session-store.js';
import { compare, type RedisBuckets } from './redis.buckets.js';
import { ABANDON } from '../scripts/redis.scripts.resources.js';
import {
  FIELDS,
  FORGET_LOST,
  HEARTBEAT,
  RECORD_RUN,
  SEEN,
  STRIKE_OFF,
  TIME,
} from '../scripts/redis.scripts.store.js';
import { numberOf, textOf, textOfRecord, textsOf } from './redis.values.js';

/** The processes on this store, their clock, and what their cleanup jobs did. */
export class RedisFleet {
  readonly #keys: readonly string[];

  constructor(private readonly buckets: RedisBuckets) {
    this.#keys = buckets.layout.processes;
  }

  /** The time is Redis': each process counts on from what Redis says when it starts. */
  async anchorClock({ monotonicMs, bootId }: ClockReading): Promise<ClockAnchor> {
    const [time, seen, seenByBuckets] = await Promise.all([
      this.buckets.run(TIME, [this.buckets.layout.store], []),
      this.buckets.run(SEEN, this.#keys, []),
      this.buckets.askAll(FIELDS, 'totals', 'seen_at'),
    ]);
    const instants = [textOf(seen), ...seenByBuckets.flatMap(textsOf)].filter((text) => text !== '');
    const lastSeenAt = instants.length === 0 ? null : Math.max(...instants.map(Number));
    return { wallMs: numberOf(time), monotonicMs, bootId, lastSeenAt };
  }

  async heartbeat(beat: Heartbeat): Promise<void> {
    await this.buckets.run(HEARTBEAT, this.#keys, [beat.processId, beat.at, textOfRecord(beat)]);
  }

  async listProcesses(): Promise<Heartbeat[]> {
    const [live = ''] = this.#keys;
    const beats = await this.buckets.hash(live);
    return [...beats.values()].map(beatOf).toSorted((a, b) => compare(a.processId, b.processId));
  }

  /** It is struck off first, by one caller alone; who crashes before all it had is freed leaves it among the lost. */
  async dropProcess(processId: string, silentSince: number): Promise<boolean> {
    const isStruck = numberOf(await this.buckets.run(STRIKE_OFF, this.#keys, [processId, silentSince])) === 1;
    if (isStruck) await this.#free(processId);
    return isStruck;
  }

  /** Frees what lost processes had, where whoever struck them off did not come to it. */
  async freeLost(): Promise<void> {
    const [, lost = ''] = this.#keys;
    const ids = await this.buckets.hash(lost);
    for (const processId of ids.keys()) await this.#free(processId);
  }

  async recordRun(run: JobRun): Promise<void> {
    const { job, startedAt, durationMs, items, failures, nextRunAt, lastError } = run;
    const fields = {
      startedAt,
      durationMs,
      items,
      failures,
      nextRunAt: nextRunAt ?? '',
      lastError: lastError ?? '',
    };
    const successAt = failures === 0 ? startedAt + durationMs : '';
    const args = [items, failures, successAt, ...Object.entries(fields).flat()];
    await this.buckets.run(RECORD_RUN, [this.buckets.layout.job(job)], args);
  }

  async listRuns(): Promise<JobRecord[]> {
    const found = await Promise.all(
      CLEANUP_JOBS.toSorted().map(async (job) => {
        const fields = await this.buckets.hash(this.buckets.layout.job(job));
        return fields.size === 0 ? [] : [jobOf(job, fields)];
      }),
    );
    return found.flat();
  }

  async #free(processId: string): Promise<void> {
    await this.buckets.inAll((bucket) => this.buckets.runIn(ABANDON, bucket, processId));
    await this.buckets.run(FORGET_LOST, this.#keys, [processId]);
  }
}

function beatOf(text: string): Heartbeat {
  const beat: Omit<Heartbeat, 'address' | 'sign'> & Partial<Heartbeat> = JSON.parse(text);
  const { processId, role, at, flushedThroughAt, nodeId, address = null, sign = null } = beat;
  return { processId, role, at, flushedThroughAt, nodeId, address, sign };
}

function jobOf(job: CleanupJob, fields: ReadonlyMap<string, string>): JobRecord {
  const number = (name: string): number => Number(fields.get(name) ?? 0);
  const numberOrNull = (name: string): number | null => (fields.get(name) ? number(name) : null);
  return {
    job,
    startedAt: number('startedAt'),
    durationMs: number('durationMs'),
    items: number('items'),
    failures: number('failures'),
    nextRunAt: numberOrNull('nextRunAt'),
    lastError: fields.get('lastError') || null,
    runs: number('runs'),
    totalItems: number('totalItems'),
    totalFailures: number('totalFailures'),
    lastSuccessAt: numberOrNull('lastSuccessAt'),
  };
}
