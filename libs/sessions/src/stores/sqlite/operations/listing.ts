import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { isWithin } from '../../../domain/listing/address-range.js';
import type { SessionFilter } from '../../../domain/listing/session-filter.js';
import { valueRange, type SortedBy, type ValueRange } from '../../../domain/listing/value-range.js';
import {
  LAST_ID,
  orderOf,
  positionOf,
  startOf,
  type ListPosition,
  type SessionOrder,
  type SessionQuery,
  type SessionSlice,
} from '../../../ports/sessions.js';
import { ABOVE_KEYS_SQL } from '../database/schema.js';
import { idOf, numberOf, packId, sessionOf, type Row } from '../database/values.js';
import type { SqliteLedger } from './record/ledger.js';

/** Sessions that one call looks at; more where many have the same instant or size. */
const LOOKED_AT = 5000;

const COLUMNS: Readonly<Record<SortedBy, string>> = {
  createdAt: 'created_at',
  lastActivityAt: 'last_activity_at',
  bytesUsed: 'bytes_used',
};

/** Indexes that have the sessions in the order of a sort; that of bytes has those with files. */
const INDEXES: Readonly<Record<SortedBy, string>> = {
  createdAt: 'sessions_created',
  lastActivityAt: 'sessions_activity',
  bytesUsed: 'sessions_bytes',
};

type Values = Record<string, SQLInputValue>;

interface Conditions {
  /** Begins with `AND`, or is empty. */
  readonly sql: string;
  readonly values: Values;
}

interface Page {
  readonly order: SessionOrder;
  readonly range: ValueRange;
  readonly start: ListPosition;
  readonly limit: number;
  readonly conditions: Conditions;
}

/** Lists sessions. Where few may match, it reads these by an index, and sorts them; else it looks at so many in the order of the sort. */
export class SqliteListing {
  readonly #statements = new Map<string, StatementSync>();

  constructor(
    private readonly db: DatabaseSync,
    private readonly ledger: Pick<SqliteLedger, 'row'>,
    private readonly lookedAt = LOOKED_AT,
  ) {
    db.function('is_within', { deterministic: true }, (first, last, ip, other) => {
      const range = { first: String(first), last: String(last) };
      return Number([ip, other].some((address) => typeof address === 'string' && isWithin(range, address)));
    });
  }

  list({ sort, limit, filter = {}, after }: SessionQuery): SessionSlice {
    const order = orderOf(sort);
    const range = valueRange(filter, order.by);
    const start = startOf(order, range, after);
    // One more than asked for, which tells whether another page follows.
    const page = { order, range, start, limit: limit + 1, conditions: conditionsOf(filter) };
    const { sessions, next } = this.#slice(page, this.#few(filter));
    if (sessions.length <= limit) return { sessions, next };
    const asked = sessions.slice(0, limit);
    const last = asked.at(-1);
    return { sessions: asked, next: last ? positionOf(order, last) : null };
  }

  #slice(page: Page, few: Conditions | null): SessionSlice {
    if (few !== null) return this.#sorted(page, few);
    return page.order.by === 'bytesUsed' ? this.#scanBytes(page) : this.#scan(page);
  }

  /** An index's condition that few open sessions meet, and all that match; `null` if there is none. */
  #few(filter: SessionFilter): Conditions | null {
    const { userId, bytesAbove, above, idleSince } = filter;
    if (userId !== undefined) return { sql: 'AND user_id = :userId', values: { userId } };
    if (numberOf(this.ledger.row(), 'open') <= this.lookedAt) return { sql: '', values: {} };
    const narrowing: Conditions[] = [];
    // The index has those with files alone.
    if (bytesAbove !== undefined && bytesAbove >= 0) {
      narrowing.push({ sql: 'AND bytes_used > :bytesAbove AND bytes_used > 0', values: { bytesAbove } });
    }
    if (above !== undefined) {
      const { files, bytes, streams } = above;
      const values = { files, bytes, streams, most: this.lookedAt + 1 };
      narrowing.push({ sql: `AND key IN (${ABOVE_KEYS_SQL})`, values });
    }
    if (idleSince !== undefined) {
      narrowing.push({ sql: 'AND last_activity_at <= :idleSince', values: { idleSince } });
    }
    return narrowing.find((conditions) => this.#isFew(conditions)) ?? null;
  }

  #isFew({ sql, values }: Conditions): boolean {
    const count = `
      SELECT count(*) AS candidates FROM (
        SELECT 1 FROM sessions WHERE state = 'open' ${sql} LIMIT ${this.lookedAt + 1})`;
    return numberOf(this.#prepared(count).get(values) ?? {}, 'candidates') <= this.lookedAt;
  }

  #sorted({ order, start, limit, conditions }: Page, few: Conditions): SessionSlice {
    // Without the `+`, SQLite may read all sessions in the order of an index.
    const column = `+${COLUMNS[order.by]}`;
    const sql = `
      SELECT * FROM sessions
      WHERE key IN (SELECT key FROM sessions WHERE state = 'open' ${few.sql})
        ${conditions.sql} AND ${fromStart(column, order)}
      ORDER BY ${column} ${order.descending ? 'DESC' : 'ASC'}, id LIMIT :limit`;
    const values = { ...few.values, ...conditions.values, ...placeOf(start), limit };
    return sliceOf(this.#prepared(sql).all(values), order, limit, null);
  }

  /** Those without files are in no index of bytes; of all ids, they come in that order. */
  #scanBytes(page: Page): SessionSlice {
    const { order, range, start, limit } = page;
    const isAmongEmpty = start.value <= 0;
    if (order.descending) {
      const first = isAmongEmpty ? EMPTY : this.#scan(page);
      if (first.next !== null || range.least > 0) return first;
      const from = isAmongEmpty ? start.id : '';
      return joined(first, this.#scanEmpty(page, from, limit - first.sessions.length));
    }
    const empty = isAmongEmpty ? this.#scanEmpty(page, start.id, limit) : EMPTY;
    if (empty.next !== null) return empty;
    const rest = { ...page, limit: limit - empty.sessions.length };
    return joined(empty, this.#scan(isAmongEmpty ? { ...rest, start: { value: 0, id: LAST_ID } } : rest));
  }

  #scan({ order, range, start, limit, conditions }: Page): SessionSlice {
    const { by, descending } = order;
    const column = COLUMNS[by];
    const [direction, beyond] = descending ? ['DESC', '<'] : ['ASC', '>'];
    const from = `
      FROM sessions INDEXED BY ${INDEXES[by]}
      WHERE state = 'open' ${by === 'bytesUsed' ? 'AND bytes_used > 0' : ''}`;
    // Beyond the value of the start, so that the next call begins further on, however many have that value.
    const last = this.#prepared(`
      SELECT ${column} AS value ${from} AND ${column} ${beyond} :value
      ORDER BY ${column} ${direction} LIMIT 1 OFFSET ${this.lookedAt}`);
    const bound = conditions.sql === '' ? undefined : last.get({ value: start.value });
    const end = bound === undefined ? null : { value: numberOf(bound, 'value'), id: LAST_ID };
    const furthest = descending ? range.least : range.most;
    const isLast = end === null || (descending ? end.value < furthest : end.value > furthest);
    const until = isLast ? furthest : end.value;
    const sql = `
      SELECT * ${from} ${conditions.sql} AND ${fromStart(column, order)}
        AND ${column} ${descending ? '>=' : '<='} :until
      ORDER BY ${column} ${direction}, id LIMIT :limit`;
    const values = { ...conditions.values, ...placeOf(start), until, limit };
    return sliceOf(this.#prepared(sql).all(values), order, limit, isLast ? null : end);
  }

  #scanEmpty({ order, conditions }: Page, after: string, limit: number): SessionSlice {
    const bound = this.#prepared(
      `
      SELECT id FROM sessions WHERE id > :id ORDER BY id LIMIT 1 OFFSET ${this.lookedAt}`,
    ).get({
      id: packId(after),
    });
    const end = bound === undefined ? null : { value: 0, id: idOf(bound, 'id') };
    // Without the `+`, SQLite may read an index that has all open sessions in another order.
    const sql = `
      SELECT * FROM sessions
      WHERE id > :id AND id <= :until AND +state = 'open' AND +bytes_used = 0 ${conditions.sql}
      ORDER BY id LIMIT :limit`;
    const values = {
      ...conditions.values,
      id: packId(after),
      until: packId(end?.id ?? LAST_ID),
      limit,
    };
    return sliceOf(this.#prepared(sql).all(values), order, limit, end);
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

const EMPTY: SessionSlice = { sessions: [], next: null };

/** `matchesFilter` of the domain, in SQL. */
function conditionsOf({
  userId,
  network,
  idleSince,
  bytesAbove,
  above,
  openedUntil,
}: SessionFilter): Conditions {
  const conditions: string[] = [];
  const values: Values = {};
  const add = (sql: string, more: Values): void => {
    conditions.push(`AND ${sql}`);
    Object.assign(values, more);
  };
  if (userId !== undefined) add('user_id = :userId', { userId });
  if (idleSince !== undefined) add('last_activity_at <= :idleSince', { idleSince });
  if (bytesAbove !== undefined) add('bytes_used > :bytesAbove', { bytesAbove });
  if (openedUntil !== undefined) add('created_at <= :openedUntil', { openedUntil });
  if (openedUntil !== undefined && userId !== undefined)
    add('(logged_in_at IS NULL OR logged_in_at <= :openedUntil)', { openedUntil });
  if (above !== undefined) {
    const { files, bytes, streams } = above;
    add('(resource_count - stream_count > :files OR bytes_used > :bytes OR stream_count > :streams)', {
      files,
      bytes,
      streams,
    });
  }
  // Last: it costs most.
  if (network !== undefined) {
    add('is_within(:first, :last, ip_address, other_address)', {
      first: network.first,
      last: network.last,
    });
  }
  return { sql: conditions.join(' '), values };
}

/** From `:value` on, and at that after `:id`. */
function fromStart(column: string, { descending }: SessionOrder): string {
  const beyond = descending ? '<' : '>';
  return `${column} ${beyond}= :value AND (${column} ${beyond} :value OR id > :id)`;
}

function placeOf({ value, id }: ListPosition): Values {
  return { value, id: packId(id) };
}

/** `end`: how far the call looked; `null`: to the last session. */
function sliceOf(
  rows: readonly Row[],
  order: SessionOrder,
  limit: number,
  end: ListPosition | null,
): SessionSlice {
  const sessions = rows.map(sessionOf);
  const last = sessions.length < limit ? undefined : sessions.at(-1);
  return { sessions, next: last ? positionOf(order, last) : end };
}

function joined(first: SessionSlice, second: SessionSlice): SessionSlice {
  return { sessions: [...first.sessions, ...second.sessions], next: second.next };
}
