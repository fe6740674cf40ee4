import { randomBytes, randomUUID } from 'node:crypto';
import { CLEANUP_JOBS, type CleanupJob } from '../../../../domain/events.js';
import { compareIds } from '../../../../domain/ids.js';
import { END_REASONS, noneEnded } from '../../../../domain/session.js';
import {
  MOST_FAILURES,
  type Failure,
  type JobRecord,
  type JobRun,
  type LedgerGroup,
  type StoreIdentity,
  type StoreTotals,
  type TypeTotals,
} from '../../../../ports/record/ledger.js';
import {
  FIELDS,
  FORGET_FAILURES,
  HASH,
  NOTE_FAILURES,
  PREPARE,
  RECORD_RUN,
} from '../../scripts/lua/store.scripts.js';
import type { RedisBuckets } from '../../buckets/redis.buckets.js';
import { pairsOf, textsOf } from '../../buckets/redis.values.js';

const JOURNAL_KEY_BYTES = 32;

/** Also the layout and the number of buckets of the store. */
export class RedisLedger implements LedgerGroup {
  constructor(
    private readonly buckets: RedisBuckets,
    private readonly layout: number,
  ) {}

  /** A store that was emptied meanwhile gets a new identity. */
  async identity(): Promise<StoreIdentity> {
    const [{ generation }, counters] = await Promise.all([this.facts(), this.counters()]);
    return { generation, counter: counters.reduce((sum, counter) => sum + counter, 0) };
  }

  /** The number of changes of each bucket. */
  async counters(): Promise<number[]> {
    const found = await this.buckets.askAll(FIELDS, 'totals', 'counter');
    return found.map((counter) => Number(textsOf(counter)[0]));
  }

  /** The facts from the creation of the store; creates a missing store. */
  async facts() {
    const key = randomBytes(JOURNAL_KEY_BYTES).toString('base64url');
    const args = [randomUUID(), this.layout, this.buckets.layout.buckets, key];
    const reply = await this.buckets.run(PREPARE, [this.buckets.layout.store], args);
    const [generation = '', layout = '', buckets = '', journalKey = ''] = textsOf(reply);
    return { generation, layout, buckets, journalKey };
  }

  async totals(): Promise<StoreTotals> {
    const sums = await this.#sums();
    const sum = (name: string): number => sums.get(name) ?? 0;
    const reasons = END_REASONS.map((reason) => [reason, sum(`ended:${reason}`)] as const);
    const types = [...sums.keys()].filter((name) => name.startsWith('active:')).map((name) => name.slice(7));
    return {
      created: sum('created'),
      open: sum('open'),
      ending: sum('ending'),
      ended: { ...noneEnded(), ...Object.fromEntries(reasons) },
      endedDurationMs: sum('ended_duration_ms'),
      types: types.toSorted().map((type): TypeTotals => ({
        type,
        active: sum(`active:${type}`),
        activeBytes: sum(`active_bytes:${type}`),
        released: sum(`released:${type}`),
        releasedBytes: sum(`released_bytes:${type}`),
        evicted: sum(`evicted:${type}`),
      })),
    };
  }

  async recordRun(run: JobRun): Promise<void> {
    const {
      job,
      processId,
      startedAt,
      durationMs,
      items,
      failures,
      succeeded,
      waiting,
      found,
      nextRunAt,
      lastError,
    } = run;
    const fields = {
      startedAt,
      durationMs,
      items,
      failures,
      nextRunAt: nextRunAt ?? '',
      lastError: lastError ?? '',
    };
    const successAt = succeeded ? startedAt + durationMs : '';
    const args = [items, failures, successAt, processId, waiting, found, ...Object.entries(fields).flat()];
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

  async noteFailures(nodeId: string, failures: readonly Failure[]): Promise<void> {
    const values = failures.flatMap(({ item, tries, retryAt }) => [item, `${tries}:${retryAt}`]);
    if (values.length === 0) return;
    await this.buckets.run(NOTE_FAILURES, [this.buckets.layout.failures(nodeId)], [MOST_FAILURES, ...values]);
  }

  async forgetFailures(nodeId: string, items: readonly string[]): Promise<void> {
    if (items.length === 0) return;
    await this.buckets.run(FORGET_FAILURES, [this.buckets.layout.failures(nodeId)], items);
  }

  async listFailures(nodeId: string): Promise<Failure[]> {
    const found = await this.buckets.hash(this.buckets.layout.failures(nodeId));
    return [...found]
      .map(([item, value]) => {
        const [tries = 0, retryAt = 0] = value.split(':').map(Number);
        return { item, tries, retryAt };
      })
      .toSorted((a, b) => compareIds(a.item, b.item));
  }

  async #sums(): Promise<Map<string, number>> {
    const found = await this.buckets.askAll(HASH, 'totals');
    const shares = found.map((share) => pairsOf(textsOf(share)));
    const sums = new Map<string, number>();
    for (const share of shares) {
      for (const [name, value] of share) sums.set(name, (sums.get(name) ?? 0) + Number(value));
    }
    return sums;
  }
}

function jobOf(job: CleanupJob, fields: ReadonlyMap<string, string>): JobRecord {
  const number = (name: string): number => Number(fields.get(name) ?? 0);
  const numberOrNull = (name: string): number | null => (fields.get(name) ? number(name) : null);
  const troubles = [...fields]
    .filter(([name]) => name.startsWith('trouble:'))
    .map(([, trouble]) => trouble.split(':').map(Number));
  const largest = (index: number): number => Math.max(0, ...troubles.map((trouble) => trouble[index] ?? 0));
  return {
    job,
    failedRuns: largest(0),
    waiting: largest(1),
    found: largest(2),
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
