import {
  AUDIT_MAX_BYTES,
  type AuditEntry,
  type WrongTokens,
} from '../../../../domain/journal/audit-entry.js';
import { SessionsError } from '../../../../domain/errors.js';
import { compareIds } from '../../../../domain/ids.js';
import type { AuditGroup, AuditPage, AuditPosition, AuditQuery } from '../../../../ports/record/audit.js';
import { entriesOf, type Entry, type RedisBuckets } from '../../buckets/redis.buckets.js';
import { auditJson } from '../../buckets/journal.values.js';
import { numberOf } from '../../buckets/redis.values.js';
import {
  APPEND_AUDIT,
  AUDIT_PAGE,
  COUNT_WRONG_TOKEN,
  FORGET_AUDIT,
  FORGET_OWN_AUDIT,
} from '../../scripts/lua/audit.scripts.js';
import { NAME_LENGTH, NO_BUCKET } from '../../scripts/lua/includes/journal.includes.js';

const MINUTE_MS = 60_000;

/** Entries that one script drops. */
const DROPPED_TOGETHER = 500;

/** Of `AUDIT_MAX_BYTES`, what the ends in the buckets have; the other deeds have the rest. */
const SHARE_OF_BUCKETS = 3 / 8;

/**
 * The end of a session by an operator is entered in the bucket of the session, what else operators did in a place of its own. Neither
 * has all of `AUDIT_MAX_BYTES`: the buckets have three eighths, each an even share, which the random ids of sessions fill evenly.
 */
export class RedisAudit implements AuditGroup {
  readonly #keys: readonly string[];

  constructor(private readonly buckets: RedisBuckets) {
    this.#keys = buckets.layout.audit;
  }

  async append(entry: AuditEntry): Promise<void> {
    await this.buckets.run(APPEND_AUDIT, this.#keys, [entry.at, auditJson(entry), NO_BUCKET, MOST_OF_OWN]);
  }

  /** One entry more is read than asked for, to see whether the page is the last. */
  async read({ from, to, limit, after = null }: AuditQuery): Promise<AuditPage> {
    const [deeds = ''] = this.#keys;
    const position = after === null ? [] : positionOf(after);
    const most = limit + 1;
    const [own, ofBuckets] = await Promise.all([
      this.buckets.ask(AUDIT_PAGE, [deeds], from, to, most, ...position),
      this.buckets.merge(most, latestFirst, async (buckets, count) =>
        (await this.buckets.askIn(buckets, AUDIT_PAGE, 'audit', from, to, count, ...position)).map(entriesOf),
      ),
    ]);
    const found = [...own.flatMap(entriesOf), ...ofBuckets].toSorted(latestFirst);
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return {
      entries: page.map(auditEntryOf),
      next: last === undefined ? null : `${last.score}:${nameOf(last)}`,
    };
  }

  async countWrongToken(network: string, at: number): Promise<void> {
    const minuteAt = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    await this.buckets.run(COUNT_WRONG_TOKEN, this.#keys, [minuteAt, network]);
  }

  async listWrongTokens(): Promise<WrongTokens[]> {
    const [, , , counts = ''] = this.#keys;
    return [...(await this.buckets.hash(counts))]
      .map(([name, count]): WrongTokens => {
        const [minute = ''] = name.split(':', 1);
        return { minuteAt: Number(minute), network: name.slice(minute.length + 1), count: Number(count) };
      })
      .toSorted((a, b) => b.minuteAt - a.minuteAt || compareIds(a.network, b.network));
  }

  async prune(before: number): Promise<number> {
    const dropped = await Promise.all([
      untilFewer(() => this.buckets.run(FORGET_OWN_AUDIT, this.#keys, [before, DROPPED_TOGETHER])),
      ...this.buckets.all.map((bucket) =>
        untilFewer(() => this.buckets.runIn(FORGET_AUDIT, bucket, before, DROPPED_TOGETHER)),
      ),
    ]);
    return dropped.reduce((sum, count) => sum + count, 0);
  }
}

const MOST_OF_OWN = AUDIT_MAX_BYTES * (1 - SHARE_OF_BUCKETS);

/** Bytes of the audit in each of so many buckets. */
export function mostOfBucket(buckets: number): number {
  return Math.floor((AUDIT_MAX_BYTES * SHARE_OF_BUCKETS) / buckets);
}

/** Calls `drop` until it drops nothing more. */
async function untilFewer(drop: () => Promise<unknown>): Promise<number> {
  let dropped = 0;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- page by page, so that Redis can serve other clients
    const some = numberOf(await drop());
    dropped += some;
    if (some < DROPPED_TOGETHER) return dropped;
  }
}

/** The highest instant first, then the highest name. */
function latestFirst(a: Entry, b: Entry): number {
  return b.score - a.score || compareIds(nameOf(b), nameOf(a));
}

function nameOf({ id }: Entry): string {
  return id.slice(0, NAME_LENGTH);
}

function auditEntryOf({ id, score }: Entry): AuditEntry {
  return { at: score, ...(JSON.parse(id.slice(NAME_LENGTH + 1)) as Omit<AuditEntry, 'at'>) };
}

function positionOf(text: AuditPosition): [at: string, name: string] {
  const [at = '', name = ''] = text.split(':');
  if (at === '' || Number.isNaN(Number(at)) || !/^\d+$/.test(name)) {
    throw new SessionsError(
      'INVALID_ARGUMENT',
      'The position in the audit is not one that this store gave: read from the beginning',
    );
  }
  return [at, name];
}
