import { isWithin, type AddressRange } from '../../../domain/listing/address-range.js';
import { matchesFilter, type SessionFilter } from '../../../domain/listing/session-filter.js';
import { valueRange, type SortedBy } from '../../../domain/listing/value-range.js';
import type { UsageBound } from '../../../domain/limits.js';
import type { SessionRecord } from '../../../domain/session.js';
import {
  orderOf,
  positionOf,
  startOf,
  type ListPosition,
  type SessionQuery,
  type SessionSlice,
} from '../../../ports/sessions.js';
import {
  byFallingScore,
  byScore,
  entriesOf,
  type Entry,
  type EntryOrder,
  type RedisBuckets,
} from '../buckets/redis.buckets.js';
import { listOf, numberOf, textsOf } from '../buckets/redis.values.js';
import type { UserIndex } from '../buckets/user-index.js';
import { ABOVE, MATCHING } from '../scripts/lua/listings.scripts.js';
import type { BucketKey } from '../scripts/redis.layout.js';

/** Sessions that one call looks at, over all buckets, and in each at least. */
const LOOKED_AT = 5000;
const LEAST_OF_BUCKET = 4;
/** Matches that each bucket answers beyond its even share of a page. */
const SPARE = 4;
/** So many sessions that an index finds are all read. */
const FEW = 2000;

const INDEXES: Readonly<Record<SortedBy, BucketKey>> = {
  createdAt: 'created',
  lastActivityAt: 'activity',
  bytesUsed: 'bytes',
};
/** Those that tell the numbers of a session, as `MATCHING` names them. */
const BESIDE = ['created', 'activity', 'bytes', 'files', 'streams', 'sessions'] as const;

/** Reads records of sessions by their ids, in their order. */
interface Loader {
  loadOpen(ids: readonly string[]): Promise<SessionRecord[]>;
}

interface Match extends Entry {
  readonly addresses: readonly string[];
}

/** What a bucket answered: the entries that match, and the last one that it looked at, unless that is the last of all. */
interface Looked {
  readonly matches: readonly Match[];
  readonly end: Entry | null;
}

/** Lists sessions. Where few may match, it reads these by an index, and sorts them; else each bucket looks at so many in the order of the sort. */
export class RedisListing {
  constructor(
    private readonly buckets: RedisBuckets,
    private readonly users: UserIndex,
    private readonly loader: Loader,
    private readonly bounds = { lookedAt: LOOKED_AT, few: FEW },
  ) {}

  async list(query: SessionQuery): Promise<SessionSlice> {
    const { filter = {} } = query;
    if (filter.userId !== undefined) return sorted(query, await this.#ofUser(filter.userId));
    if (Object.keys(filter).length === 0) return this.#plain(query);
    const few = await this.#few(filter);
    return few === null ? this.#scan(query, filter) : sorted(query, await this.loader.loadOpen(few));
  }

  /** Ids of open sessions that hold more than this. */
  async above(usage: UsageBound, limit: number): Promise<string[]> {
    const keys = ['bytes', 'files', 'streams'] as const;
    const found = await Promise.all(keys.map((key) => this.#more(key, usage[key], limit)));
    return [...new Set(found.flat())].slice(0, limit);
  }

  async #more(key: 'bytes' | 'files' | 'streams', than: number, limit: number): Promise<string[]> {
    const found = await this.buckets.merge(limit, byFallingScore, async (buckets, count) =>
      (await this.buckets.askIn(buckets, ABOVE, key, than, count)).map((above) =>
        entriesOf(above).toSorted(byFallingScore),
      ),
    );
    return found.map(({ id }) => id);
  }

  /** All open sessions of the user, which are few. Removes outdated ids from the index. */
  async #ofUser(userId: string): Promise<SessionRecord[]> {
    const ids = await this.users.list(userId);
    const open = await this.loader.loadOpen(ids);
    const alive = new Set(open.map(({ id }) => id));
    const over = ids.filter((id) => !alive.has(id));
    // If this fails, the next reader removes them.
    if (over.length > 0) await this.users.remove(userId, over).catch(() => {});
    return open;
  }

  /** Ids of all sessions that may match, if an index tells that they are few; else `null`. */
  async #few({ bytesAbove, above, idleSince }: SessionFilter): Promise<string[] | null> {
    const isFew = (ids: readonly string[]): boolean => ids.length <= this.bounds.few;
    if (above !== undefined) {
      const ids = await this.above(above, this.bounds.few + 1);
      if (isFew(ids)) return ids;
    }
    if (bytesAbove !== undefined) {
      const ids = await this.#more('bytes', bytesAbove, this.bounds.few + 1);
      if (isFew(ids)) return ids;
    }
    if (idleSince !== undefined) {
      const ids = (await this.buckets.firstUpTo('activity', idleSince, this.bounds.few + 1)).map(
        ({ id }) => id,
      );
      if (isFew(ids)) return ids;
    }
    return null;
  }

  async #plain({ sort, limit, after }: SessionQuery): Promise<SessionSlice> {
    const { by, descending } = orderOf(sort);
    const order = descending ? byFallingScore : byScore;
    const from = after === undefined ? null : { score: after.value, id: after.id };
    // One more than asked for, which tells whether another page follows.
    const entries = await this.buckets.page(INDEXES[by], limit + 1, order, from);
    const asked = entries.slice(0, limit);
    const last = entries.length > limit ? asked.at(-1) : undefined;
    const sessions = await this.loader.loadOpen(asked.map(({ id }) => id));
    return { sessions, next: last ? { value: last.score, id: last.id } : null };
  }

  async #scan({ sort, limit, after }: SessionQuery, filter: SessionFilter): Promise<SessionSlice> {
    const { by, descending } = orderOf(sort);
    const order = descending ? byFallingScore : byScore;
    const range = valueRange(filter, by);
    const { value, id } = startOf({ by, descending }, range, after);
    const looked = Math.max(LEAST_OF_BUCKET, Math.ceil(this.bounds.lookedAt / this.buckets.all.length));
    const { network } = filter;
    // How many of those from a network, nobody knows before they are seen.
    const most = network ? looked : Math.min(looked, Math.ceil(limit / this.buckets.all.length) + SPARE);
    const answers = await this.buckets.askAllBeside(
      MATCHING,
      [INDEXES[by], ...BESIDE],
      looked,
      most,
      descending ? 'desc' : 'asc',
      scoreText(value),
      id,
      finiteText(descending ? range.least : range.most),
      ...numbersOf(filter),
      network ? 1 : 0,
    );
    const { matches, end } = frontOf(
      answers.map((answer) => lookedOf(answer, network)),
      order,
    );
    const page = matches.slice(0, limit);
    const last = matches.length > limit ? page.at(-1) : end;
    const sessions = await this.loader.loadOpen(page.map((match) => match.id));
    return {
      // A session may have changed since it was looked at.
      sessions: sessions.filter((session) => matchesFilter(filter, session)),
      next: last ? { value: last.score, id: last.id } : null,
    };
  }
}

/** The matches up to where every bucket has looked, in order, and that place; `null`: all have looked to the end. */
function frontOf(answers: readonly Looked[], order: EntryOrder): Looked {
  const ends = answers.flatMap(({ end }) => (end === null ? [] : [end]));
  const end = ends.toSorted(order)[0] ?? null;
  const matches = answers.flatMap((answer) => answer.matches);
  return { matches: matches.filter((match) => end === null || order(match, end) <= 0).toSorted(order), end };
}

function lookedOf(answer: unknown, network: AddressRange | undefined): Looked {
  const [found, last] = listOf(answer);
  const [end] = entriesOf(last);
  const matches = network === undefined ? entriesOf(found).map(withoutAddresses) : matchesOf(found);
  return {
    matches: matches.filter(
      ({ addresses }) => network === undefined || addresses.some((address) => isWithin(network, address)),
    ),
    end: end ?? null,
  };
}

function withoutAddresses(entry: Entry): Match {
  return { ...entry, addresses: [] };
}

/** Id, value, both addresses, id … */
function matchesOf(found: unknown): Match[] {
  const texts = textsOf(found);
  return Array.from({ length: texts.length / 4 }, (_, index) => {
    const [id = '', score = '', ...addresses] = texts.slice(index * 4, index * 4 + 4);
    return { id, score: numberOf(score), addresses };
  });
}

/** The arguments of `MATCHING`. */
function numbersOf({ idleSince, openedUntil, bytesAbove, above }: SessionFilter): (string | number)[] {
  const amounts = above ? [above.files, above.bytes, above.streams] : ['', '', ''];
  return [idleSince ?? '', openedUntil ?? '', bytesAbove ?? '', ...amounts];
}

function scoreText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+inf' : '-inf';
}

function finiteText(value: number): string {
  return Number.isFinite(value) ? String(value) : '';
}

/** One page of these open sessions. */
function sorted(
  { sort, limit, filter = {}, after }: SessionQuery,
  open: readonly SessionRecord[],
): SessionSlice {
  const order = orderOf(sort);
  const compare = order.descending ? byFallingScore : byScore;
  const entryOf = ({ value, id }: ListPosition): Entry => ({ score: value, id });
  const found = open
    .filter((session) => matchesFilter(filter, session))
    .map((session) => ({ session, entry: entryOf(positionOf(order, session)) }))
    .filter(({ entry }) => after === undefined || compare(entry, entryOf(after)) > 0)
    .toSorted((a, b) => compare(a.entry, b.entry));
  const page = found.slice(0, limit).map(({ session }) => session);
  const last = found.length > limit ? page.at(-1) : undefined;
  return { sessions: page, next: last ? positionOf(order, last) : null };
}
