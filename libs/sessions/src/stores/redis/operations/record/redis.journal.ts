import { randomUUID } from 'node:crypto';
import { SessionsError } from '../../../../domain/errors.js';
import { classOf, type EndedEntry } from '../../../../domain/journal/entry.js';
import type {
  JournalGroup,
  JournalPage,
  JournalPosition,
  NewEntry,
} from '../../../../ports/record/journal.js';
import type { RedisBuckets } from '../../buckets/redis.buckets.js';
import { entryText, inTime, storedEntryOf } from '../../buckets/journal.values.js';
import { numberOf, textOf, textsOf } from '../../buckets/redis.values.js';
import type { RecordKey } from '../../scripts/redis.layout.js';
import {
  APPEND,
  DROP_REQUESTS,
  DROP_TIMELINES,
  ENTRIES,
  FORGET_USER,
  LAST_ENTRY,
  OVER_OF_USER,
  RECOUNT,
  SIZE,
} from '../../scripts/lua/journal.scripts.js';
import { FIELDS } from '../../scripts/lua/store.scripts.js';
import type { RedisDurableWrites } from '../../buckets/redis.durable-writes.js';
import type { RedisLedger } from './redis.ledger.js';

/** Entries of one script: few milliseconds of Redis. */
const ENTRIES_TOGETHER = 500;
/** Sessions whose entries are counted at once when some must go. */
const SESSIONS_TOGETHER = 64;

/** It reads all timelines. */
const RECOUNT_EVERY_MS = 3_600_000;

/** The lists of a timeline, one for each class of entries. */
const LISTS = ['marks', 'deeds', 'requests'] as const satisfies readonly RecordKey[];

/** What is dropped first, by the index that has it. */
const PRUNED = [
  { index: 'requested', lists: ['requests'], script: DROP_REQUESTS },
  { index: 'timelines', lists: ['opened', ...LISTS], script: DROP_TIMELINES },
] as const;

interface Size {
  readonly entries: number;
  readonly bytes: number;
}

interface Batch {
  readonly number: number;
  readonly entries: readonly NewEntry[];
}

/**
 * A timeline is its opening and three lists in the bucket of its session, which expire with its record. Each bucket keeps the sum of their bytes; where
 * timelines have expired by themselves, the next `dropTombstones` counts anew (see `MEND`), and `prune` does so in every bucket before
 * it drops anything, at most once an hour.
 */
export class RedisJournal implements JournalGroup {
  #recountedAt = Number.NEGATIVE_INFINITY;
  readonly #sender = randomUUID();
  /** Batches, of all buckets. */
  #sent = 0;
  /** By bucket, what it was sent and has not answered: it may have added it, or not. */
  readonly #unanswered = new Map<number, Batch>();
  readonly #added = new WeakSet<NewEntry>();

  constructor(
    private readonly buckets: RedisBuckets,
    private readonly durable: RedisDurableWrites,
    private readonly ledger: Pick<RedisLedger, 'facts'>,
  ) {}

  async key(): Promise<string> {
    const [found] = await this.buckets.ask(FIELDS, [this.buckets.layout.store], 'journalKey');
    const [key = ''] = textsOf(found);
    // A store that was emptied meanwhile gets a new one.
    return key === '' ? (await this.ledger.facts()).journalKey : key;
  }

  async append(entries: readonly NewEntry[]): Promise<void> {
    const ofSessions = Map.groupBy(entries, ({ sessionId }) => sessionId);
    const outcomes = await this.buckets.byBucket(ofSessions.keys(), async (bucket, ids) => {
      const own = ids.flatMap((id) => ofSessions.get(id) ?? []);
      // All are waited for, so that no batch of a bucket is under way when the next call sends one.
      return this.#appendIn(bucket, own).catch((error: unknown) => ({ error }));
    });
    for (const outcome of outcomes) if (outcome) throw outcome.error;
  }

  async #appendIn(bucket: number, entries: readonly NewEntry[]): Promise<void> {
    await this.#send(bucket);
    const left = entries.filter((entry) => !this.#added.has(entry));
    for (let start = 0; start < left.length; start += ENTRIES_TOGETHER) {
      this.#sent += 1;
      this.#unanswered.set(bucket, {
        number: this.#sent,
        entries: left.slice(start, start + ENTRIES_TOGETHER),
      });
      // oxlint-disable-next-line no-await-in-loop -- in their order, and so that Redis can serve other clients
      await this.#send(bucket);
    }
  }

  /** Sends the bucket's batch, if it has one, for the first time or again. */
  async #send(bucket: number): Promise<void> {
    const batch = this.#unanswered.get(bucket);
    if (!batch) return;
    const { number, entries } = batch;
    const texts = entries.flatMap(({ sessionId, entry }) => [sessionId, classOf(entry), entryText(entry)]);
    await this.buckets.runIn(APPEND, bucket, this.#sender, number, ...texts);
    this.#unanswered.delete(bucket);
    for (const entry of entries) this.#added.add(entry);
  }

  async read(sessionId: string, limit: number, after: JournalPosition | null = null): Promise<JournalPage> {
    const bucket = this.buckets.of(sessionId);
    const position = after === null ? null : positionOf(after);
    if (bucket === null) return { entries: [], next: null };
    const [opening, lists] = await Promise.all([
      this.buckets.records(bucket, 'opened', [sessionId]),
      this.buckets.ask(ENTRIES, this.#listsOf(bucket, sessionId, LISTS)),
    ]);
    const all = [...opening.filter(Boolean), ...lists.flatMap(textsOf)].map(storedEntryOf).toSorted(inTime);
    const first =
      position === null
        ? 0
        : all.findIndex(({ entry: { at }, number }) => {
            return at > position.at || (at === position.at && number > position.number);
          });
    const left = first < 0 ? [] : all.slice(first);
    const page = left.slice(0, limit);
    const last = left.length > page.length ? page.at(-1) : undefined;
    return {
      entries: page.map(({ entry }) => entry),
      next: last === undefined ? null : `${last.entry.at}:${last.number}`,
    };
  }

  /** How these sessions ended, by id: the last of its marks tells, if the timeline is there. */
  async endsOf(ids: readonly string[]): Promise<Map<string, EndedEntry>> {
    const found = await this.buckets.byBucket(ids, async (bucket, of) => {
      const keys = of.map((id) => this.buckets.layout.record(bucket, 'marks', id));
      const marks = await this.buckets.ask(LAST_ENTRY, keys);
      return of.map((id, index) => [id, endedEntryOf(textOf(marks[index]))] as const);
    });
    return new Map(found.flat().flatMap(([id, end]) => (end === null ? [] : [[id, end] as const])));
  }

  async prune(maxBytes: number, limit: number): Promise<number> {
    let excess = (await this.#bytes()) - maxBytes;
    if (excess > 0 && performance.now() - this.#recountedAt > RECOUNT_EVERY_MS) {
      await this.buckets.inAll((bucket) => this.buckets.runIn(RECOUNT, bucket));
      this.#recountedAt = performance.now();
      excess = (await this.#bytes()) - maxBytes;
    }
    let dropped = 0;
    for (const what of PRUNED) {
      while (excess > 0 && dropped < limit) {
        // oxlint-disable-next-line no-await-in-loop -- until enough is dropped
        const some = await this.#pruneSome(what, excess, limit - dropped);
        if (some === null) break;
        dropped += some.entries;
        excess -= some.bytes;
      }
    }
    return dropped;
  }

  /** What was forgotten must not come back with a failover. */
  async forgetUser(userHash: string, limit: number): Promise<number> {
    const found = await this.buckets.inAll(async (bucket) =>
      textsOf(await this.buckets.runIn(OVER_OF_USER, bucket, userHash, limit)),
    );
    const forgotten = await this.buckets.byBucket(found.flat().slice(0, limit), async (bucket, ids) =>
      numberOf(await this.durable.runIn(FORGET_USER, bucket, userHash, ...ids)),
    );
    return forgotten.reduce((sum, count) => sum + count, 0);
  }

  async #bytes(): Promise<number> {
    const sums = await this.buckets.askAll(FIELDS, 'totals', 'journal_bytes');
    return sums.reduce<number>((sum, share) => sum + Number(textsOf(share)[0]), 0);
  }

  /** Drops what the sessions hold that were opened first, until it is enough; `null` if there is nothing. */
  async #pruneSome(
    { index, lists, script }: (typeof PRUNED)[number],
    bytes: number,
    limit: number,
  ): Promise<Size | null> {
    const first = await this.buckets.firstUpTo(index, '+inf', SESSIONS_TOGETHER);
    if (first.length === 0) return null;
    const sizes = await this.#sizes(
      first.map(({ id }) => id),
      lists,
    );
    let enough = 0;
    for (let sum = { entries: 0, bytes: 0 }; enough < sizes.length; enough += 1) {
      if (sum.entries >= limit || sum.bytes >= bytes) break;
      sum = plus(sum, sizes[enough]);
    }
    const ids = first.slice(0, enough).map(({ id }) => id);
    const dropped = await this.buckets.byBucket(ids, async (bucket, of) =>
      sizeOf(await this.buckets.runIn(script, bucket, ...of)),
    );
    return dropped.reduce(plus, { entries: 0, bytes: 0 });
  }

  /** Of each session, what it has in these lists. */
  async #sizes(ids: readonly string[], lists: readonly RecordKey[]): Promise<Size[]> {
    const keys = ids.flatMap((id) => this.#listsOf(this.buckets.of(id) ?? 0, id, lists));
    const sizes = (await this.buckets.ask(SIZE, keys)).map(sizeOf);
    return ids.map((_, index) =>
      sizes.slice(index * lists.length, (index + 1) * lists.length).reduce(plus, { entries: 0, bytes: 0 }),
    );
  }

  #listsOf(bucket: number, sessionId: string, lists: readonly RecordKey[]): string[] {
    return lists.map((list) => this.buckets.layout.record(bucket, list, sessionId));
  }
}

function positionOf(text: JournalPosition) {
  const [at = Number.NaN, number = Number.NaN] = text.split(':').map(Number);
  if (Number.isNaN(at) || Number.isNaN(number)) {
    throw new SessionsError(
      'INVALID_ARGUMENT',
      'The position in the timeline is not one that this store gave: read from the beginning',
    );
  }
  return { at, number };
}

function sizeOf(reply: unknown): Size {
  const [entries, bytes] = textsOf(reply).map(Number);
  return { entries: entries ?? 0, bytes: bytes ?? 0 };
}

function plus(a: Size, b: Size = { entries: 0, bytes: 0 }): Size {
  return { entries: a.entries + b.entries, bytes: a.bytes + b.bytes };
}

/** `null` for the text of another entry, and for none. */
function endedEntryOf(text: string): EndedEntry | null {
  if (text === '') return null;
  const { entry } = storedEntryOf(text);
  return entry.kind === 'ended' ? entry : null;
}
