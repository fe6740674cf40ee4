import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SessionRecord } from '../../../domain/session.js';
import {
  SESSION_SORTS,
  type Feed,
  type FeedPosition,
  type SessionQuery,
  type SessionSort,
} from '../../../ports/session-store.js';
import type { SqliteLedger } from './ledger.js';
import { endReasonOf, idOf, numberOf, packId, sessionOf, sessionStateOf, textOrNull } from './values.js';

interface Listing {
  readonly ofAll: StatementSync;
  readonly ofUser: StatementSync;
}

/** Finds many sessions at once: what is due, pages for people, and the feed of changes. Each by an index of its own. */
export class SqliteListings {
  readonly #idle;
  readonly #expired;
  readonly #disposable;
  readonly #countDue;
  readonly #changes;
  readonly #nodes;
  readonly #listings: ReadonlyMap<SessionSort, Listing>;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
  ) {
    this.#idle = db.prepare(IDLE_SQL);
    this.#expired = db.prepare(EXPIRED_SQL);
    this.#disposable = db.prepare(DISPOSABLE_SQL);
    this.#countDue = db.prepare(COUNT_DUE_SQL);
    this.#changes = db.prepare(CHANGES_SQL);
    this.#nodes = db.prepare(NODES_SQL);
    this.#listings = new Map(
      SESSION_SORTS.map((sort) => [
        sort,
        { ofAll: db.prepare(pageSql(sort, '')), ofUser: db.prepare(pageSql(sort, 'AND user_id = :userId')) },
      ]),
    );
  }

  findIdle(at: number, limit: number): SessionRecord[] {
    return this.#idle.all({ at, limit }).map(sessionOf);
  }

  findExpired(at: number, limit: number): SessionRecord[] {
    return this.#expired.all({ at, limit }).map(sessionOf);
  }

  findDisposable(limit: number): SessionRecord[] {
    return this.#disposable.all({ limit }).map(sessionOf);
  }

  countDue(at: number): { idle: number; expired: number } {
    const row = this.#countDue.get({ at }) ?? {};
    return { idle: numberOf(row, 'idle'), expired: numberOf(row, 'expired') };
  }

  list(query: SessionQuery): SessionRecord[] {
    const listing = this.#listings.get(query.sort);
    if (listing === undefined) throw new TypeError('No such sort');
    const { limit, after, userId } = query;
    const page = { limit, instant: after?.instant ?? FIRST[query.sort], id: packId(after?.id ?? '') };
    const rows = userId === undefined ? listing.ofAll.all(page) : listing.ofUser.all({ ...page, userId });
    return rows.map(sessionOf);
  }

  readFeed(position: FeedPosition | null, limit: number): Feed {
    const { counter } = this.ledger.identity();
    if (position === null) return { changes: [], position: String(counter), more: false };
    // A position ahead of the store is of a newer copy of it: all is told again, which harms nobody.
    const since = Number(position) <= counter ? Number(position) : 0;
    const rows = this.#changes.all({ since, limit: limit + 1 });
    const read = rows.slice(0, limit);
    const last = read.at(-1);
    return {
      changes: read.map((row) => ({
        id: idOf(row, 'id'),
        state: sessionStateOf(row),
        endReason: endReasonOf(row),
        epoch: numberOf(row, 'epoch'),
        userId: textOrNull(row, 'user_id'),
        nodes: row['state'] === 'ending' ? this.#nodesOf(numberOf(row, 'key')) : [],
      })),
      position: String(last === undefined ? since : numberOf(last, 'change')),
      more: rows.length > limit,
    };
  }

  #nodesOf(key: number): string[] {
    return this.#nodes.all({ key }).map((row) => idOf(row, 'node_id'));
  }
}

const NODES_SQL = `
  SELECT node_id FROM ending_parts WHERE session_key = :key AND node_id <> '' ORDER BY node_id`;

const IDLE_SQL = `
  SELECT * FROM sessions WHERE state = 'open' AND idle_ends_at <= :at ORDER BY idle_ends_at, id LIMIT :limit`;

const EXPIRED_SQL = `
  SELECT * FROM sessions WHERE state = 'open' AND expires_at <= :at ORDER BY expires_at, id LIMIT :limit`;

const DISPOSABLE_SQL = `
  SELECT * FROM sessions WHERE state = 'open' AND resource_count = 0 AND user_id IS NULL
  ORDER BY last_activity_at, id LIMIT :limit`;

const COUNT_DUE_SQL = `
  SELECT
    (SELECT count(*) FROM sessions WHERE state = 'open' AND idle_ends_at <= :at) AS idle,
    (SELECT count(*) FROM sessions WHERE state = 'open' AND expires_at <= :at) AS expired`;

const CHANGES_SQL = `
  SELECT key, id, state, end_reason, epoch, user_id, change FROM sessions
  WHERE change > :since ORDER BY change LIMIT :limit`;

/** Where a first page starts: before every instant there is. */
const FIRST: Readonly<Record<SessionSort, number>> = {
  created_at: -Infinity,
  last_activity: -Infinity,
  '-created_at': Infinity,
  '-last_activity': Infinity,
};

/** One page by keyset: what comes after `:instant`, and at that instant after `:id`. */
function pageSql(sort: SessionSort, condition: string): string {
  const column = sort.endsWith('created_at') ? 'created_at' : 'last_activity_at';
  const [beyond, direction] = sort.startsWith('-') ? ['<', 'DESC'] : ['>', 'ASC'];
  return `
    SELECT * FROM sessions
    WHERE state = 'open' ${condition}
      AND ${column} ${beyond}= :instant AND (${column} ${beyond} :instant OR id > :id)
    ORDER BY ${column} ${direction}, id LIMIT :limit`;
}
