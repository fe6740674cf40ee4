import { bucketOfId, bucketOfName } from '../../../domain/bucket.js';
import { compareIds, NOBODY } from '../../../domain/ids.js';
import type { LeaseRequest } from '../../../ports/endings.js';
import type { RedisConnection } from '../connection/redis.connection.js';
import { isScriptUnknown } from '../connection/redis.errors.js';
import { RedisLayout, type BucketKey, type RecordKey } from '../scripts/redis.layout.js';
import { LEASABLE, PAGE, UP_TO } from '../scripts/lua/listings.scripts.js';
import type { BucketScript } from '../scripts/bucket-script.js';
import type { QuestionScript } from '../scripts/question-script.js';
import type { RedisScript } from '../scripts/redis.script.js';
import { FIELDS, HASH } from '../scripts/lua/store.scripts.js';
import { listOf, numberOf, pairsOf, textOf, textsOf } from './redis.values.js';

/** An id in an index with its sort key. */
export interface Entry {
  readonly id: string;
  readonly score: number;
}

export type EntryOrder = (a: Entry, b: Entry) => number;

/** Keys per command: few commands for all buckets, and none that blocks the server for long. */
const KEYS_TOGETHER = 64;

/** Entries to read from each bucket beyond its even share of a page. */
const SPARE = 4;

/** Runs scripts on one bucket, on the buckets of some ids, or on all. */
export class RedisBuckets {
  readonly all: readonly number[];

  constructor(
    private readonly connection: RedisConnection,
    readonly layout: RedisLayout,
  ) {
    this.all = Array.from({ length: layout.buckets }, (_, bucket) => bucket);
  }

  /** The bucket of a session or resource id; `null` for an invalid id. */
  of(id: string): number | null {
    const bucket = bucketOfId(id);
    return bucket === null ? null : bucket % this.layout.buckets;
  }

  ofTokenHash(tokenHash: string): number | null {
    const bucket = bucketOfName(tokenHash);
    return bucket === null ? null : bucket % this.layout.buckets;
  }

  /** Runs a script by its hash, or by its text if the server has not cached it yet. */
  async run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args.map(String)];
    try {
      return await this.connection.send(keys[0] ?? '', ['EVALSHA', script.sha, ...rest]);
    } catch (error) {
      if (!isScriptUnknown(error)) throw error;
      return this.connection.send(keys[0] ?? '', ['EVAL', script.source, ...rest]);
    }
  }

  /** Runs a script without keys on each master. */
  async runOnEach(script: RedisScript): Promise<void> {
    await this.connection.sendToAll(['EVAL', script.source, '0']);
  }

  runIn(script: BucketScript, bucket: number, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.run(script, this.layout.keysIn(bucket, script.keys), args);
  }

  /** Runs a question on these keys, `keysEach` for each answer; answers in the order of the keys. */
  async ask(
    script: QuestionScript,
    keys: readonly string[],
    ...args: readonly (string | number)[]
  ): Promise<unknown[]> {
    const answers = this.connection.isCluster ? 1 : Math.floor(KEYS_TOGETHER / script.keysEach);
    const together = answers * script.keysEach;
    const asking: Promise<unknown>[] = [];
    for (let start = 0; start < keys.length; start += together) {
      asking.push(this.run(script, keys.slice(start, start + together), args));
    }
    return (await Promise.all(asking)).flatMap(listOf);
  }

  /** Runs a question on one key in each of these buckets. */
  askIn(
    buckets: readonly number[],
    script: QuestionScript,
    key: BucketKey,
    ...args: readonly (string | number)[]
  ): Promise<unknown[]> {
    return this.ask(script, this.layout.keyIn(buckets, key), ...args);
  }

  /** Runs a question on several keys in every bucket. */
  askAllBeside(
    script: QuestionScript,
    keys: readonly BucketKey[],
    ...args: readonly (string | number)[]
  ): Promise<unknown[]> {
    return this.ask(
      script,
      this.all.flatMap((bucket) => this.layout.keysIn(bucket, keys)),
      ...args,
    );
  }

  /** Runs a question on one key in every bucket. */
  askAll(script: QuestionScript, key: BucketKey, ...args: readonly (string | number)[]): Promise<unknown[]> {
    return this.askIn(this.all, script, key, ...args);
  }

  /** Reads fields of a hash in one bucket; '' for a missing field. */
  async fields(bucket: number, key: BucketKey, ...fields: readonly string[]): Promise<string[]> {
    const [found] = await this.askIn([bucket], FIELDS, key, ...fields);
    return textsOf(found);
  }

  /** Reads records of one bucket; '' for a missing one. */
  async records(bucket: number, key: RecordKey, ids: readonly string[]): Promise<string[]> {
    const keys = ids.map((id) => this.layout.record(bucket, key, id));
    if (keys.length === 0) return [];
    const found = listOf(await this.connection.send(this.layout.key(bucket, key), ['MGET', ...keys]));
    return found.map((text) => (text === null ? '' : textOf(text)));
  }

  /** Members of an index that match a pattern, in steps that block nobody; some of them twice. */
  async *membersLike(bucket: number, key: BucketKey, pattern: string): AsyncGenerator<string[], void, void> {
    const name = this.layout.key(bucket, key);
    let cursor = '0';
    do {
      const command = ['ZSCAN', name, cursor, 'MATCH', pattern, 'COUNT', '1000'];
      // oxlint-disable-next-line no-await-in-loop -- each step begins where the one before ended
      const [next, entries] = listOf(await this.connection.send(name, command));
      cursor = textOf(next);
      yield entriesOf(entries).map(({ id }) => id);
    } while (cursor !== '0');
  }

  /** All fields of a hash. */
  async hash(key: string): Promise<Map<string, string>> {
    const [found] = await this.ask(HASH, [key]);
    return pairsOf(textsOf(found));
  }

  /** All members of a sorted set, in its order. */
  members(key: string): Promise<unknown> {
    return this.connection.send(key, ['ZRANGE', key, '0', '-1']);
  }

  /** Calls `work` for every bucket concurrently. For questions, `askAll` needs fewer commands. */
  inAll<T>(work: (bucket: number) => Promise<T>): Promise<T[]> {
    return Promise.all(this.all.map(work));
  }

  /** Calls `work` with the ids of each bucket. Skips invalid ids. */
  async byBucket<T>(
    ids: Iterable<string>,
    work: (bucket: number, ids: string[]) => Promise<T>,
  ): Promise<T[]> {
    const groups = new Map<number, string[]>();
    for (const id of ids) {
      const bucket = this.of(id);
      if (bucket === null) continue;
      const group = groups.get(bucket);
      if (group) group.push(id);
      else groups.set(bucket, [id]);
    }
    return Promise.all([...groups].map(([bucket, group]) => work(bucket, group)));
  }

  /** The first entries of an index over all buckets, after an entry and up to a score, lowest score first. */
  firstUpTo(
    key: BucketKey,
    score: number | '+inf',
    limit: number,
    after: Entry | null = null,
  ): Promise<Entry[]> {
    const from = after === null ? [] : [after.score, after.id];
    return this.merge(limit, byScore, async (buckets, count) =>
      (await this.askIn(buckets, UP_TO, key, score, count, ...from)).map(entriesOf),
    );
  }

  /** The first entries of an index over all buckets, after an entry, in either order. */
  page(key: BucketKey, limit: number, order: EntryOrder, after: Entry | null = null): Promise<Entry[]> {
    const direction = order === byScore ? 'asc' : 'desc';
    const from = after === null ? [] : [after.score, after.id];
    return this.merge(limit, order, async (buckets, count) =>
      (await this.askIn(buckets, PAGE, key, count, direction, ...from)).map((found) =>
        entriesOf(found).toSorted(order),
      ),
    );
  }

  /** Entries over all buckets that this node, or any node, can lease, earliest end of lease first. */
  firstLeasable(key: 'ending' | 'releasing', { at, lease, limit }: LeaseRequest): Promise<Entry[]> {
    return this.merge(limit, byScore, async (buckets, count) => {
      const leasable = await this.askIn(buckets, LEASABLE, key, at, count, lease.nodeId, NOBODY);
      return leasable.map((found) => entriesOf(found).toSorted(byScore));
    });
  }

  /**
   * Merges the first entries of all buckets, which answer in the same order. It reads an even share and a little more from
   * each bucket, and reads again from buckets that may have more of the first entries.
   */
  async merge(
    limit: number,
    order: EntryOrder,
    firstOf: (buckets: readonly number[], count: number) => Promise<Entry[][]>,
  ): Promise<Entry[]> {
    let count = Math.min(limit, Math.ceil(limit / this.all.length) + SPARE);
    const found = new Map<number, Entry[]>();
    let asked = this.all;
    for (;;) {
      const answers = await firstOf(asked, count);
      for (const [index, bucket] of asked.entries()) found.set(bucket, answers[index] ?? []);
      const first = [...found.values()].flat().toSorted(order).slice(0, limit);
      const last = first.length === limit ? first.at(-1) : undefined;
      const asksFor = count;
      asked = asked.filter((bucket) => {
        const own = found.get(bucket) ?? [];
        const end = own.at(-1);
        return (
          end !== undefined && own.length >= asksFor && asksFor < limit && (!last || order(end, last) < 0)
        );
      });
      if (asked.length === 0) return first;
      count = Math.min(limit, count * 4);
    }
  }
}

/** Id, score, id, score … */
export function entriesOf(reply: unknown): Entry[] {
  const texts = textsOf(reply);
  return Array.from({ length: texts.length / 2 }, (_, index) => ({
    id: texts[index * 2] ?? '',
    score: numberOf(texts[index * 2 + 1]),
  }));
}

/** The lowest score first, ties in the order of the ids. */
export function byScore(a: Entry, b: Entry): number {
  return a.score - b.score || compareIds(a.id, b.id);
}

/** Highest score first, ties in the order of the ids. */
export function byFallingScore(a: Entry, b: Entry): number {
  return b.score - a.score || compareIds(a.id, b.id);
}
