import type { DatabaseSync } from 'node:sqlite';
import {
  MOST_DEEDS,
  MOST_MARKS,
  MOST_REQUESTS,
  type EndedEntry,
  type JournalEntry,
} from '../../../../domain/journal/entry.js';
import type {
  JournalGroup,
  JournalPage,
  JournalPosition,
  NewEntry,
} from '../../../../ports/record/journal.js';
import type { InOneThread } from '../../../../ports/store/store-groups.js';
import { CLASS_NUMBERS } from '../../database/journal.schema.js';
import { numberOf, packId, textOf, type Row } from '../../database/values.js';
import type { SqliteLedger } from './ledger.js';
import {
  inOrder,
  packed,
  placeAt,
  positionOf,
  unpacked,
  withoutFirst,
  type PlacedEntry,
} from './timeline.js';

/** Entries of a class, by its number, that a session keeps. */
const MOST: Readonly<Record<number, number>> = {
  [CLASS_NUMBERS.mark]: MOST_MARKS,
  [CLASS_NUMBERS.deed]: MOST_DEEDS,
  [CLASS_NUMBERS.request]: MOST_REQUESTS,
};

/** Also enters deeds for the other groups, within their transactions. */
export class SqliteJournal implements InOneThread<JournalGroup> {
  readonly #session;
  readonly #insert;
  readonly #count;
  readonly #oldest;
  readonly #cut;
  readonly #drop;
  readonly #dropMarks;
  readonly #ofSession;
  readonly #latestMark;
  readonly #requests;
  readonly #first;
  readonly #countAll;
  readonly #dropAll;
  readonly #overOfUser;
  readonly #forget;
  readonly #noteTraces;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
  ) {
    this.#session = db.prepare(SESSION_SQL);
    this.#insert = db.prepare(
      'INSERT INTO journal (session_key, class, at, count, text) VALUES (:session, :class, :at, :count, :text)',
    );
    this.#count = db.prepare(
      'SELECT total(count) AS entries FROM journal WHERE session_key = :session AND class = :class',
    );
    this.#oldest = db.prepare(`
      SELECT key, at, text FROM journal WHERE session_key = :session AND class = :class ORDER BY at, key`);
    this.#cut = db.prepare('UPDATE journal SET at = :at, count = :count, text = :text WHERE key = :key');
    this.#drop = db.prepare('DELETE FROM journal WHERE key = :key');
    this.#dropMarks = db.prepare(DROP_MARKS_SQL);
    this.#ofSession = db.prepare(`
      SELECT journal.key, journal.text FROM sessions JOIN journal ON journal.session_key = sessions.key
      WHERE sessions.id = :id`);
    this.#latestMark = db.prepare(`
      SELECT key, text FROM journal WHERE session_key = :session AND class = ${CLASS_NUMBERS.mark}
      ORDER BY key DESC LIMIT 1`);
    this.#requests = db.prepare(`
      SELECT key, count FROM journal INDEXED BY journal_requests WHERE class = ${CLASS_NUMBERS.request}
      ORDER BY session_key, key LIMIT :limit`);
    this.#first = db.prepare('SELECT session_key FROM journal ORDER BY session_key LIMIT 1');
    this.#countAll = db.prepare('SELECT total(count) AS entries FROM journal WHERE session_key = :session');
    this.#dropAll = db.prepare('DELETE FROM journal WHERE session_key = :session');
    this.#overOfUser = db.prepare(`
      SELECT key FROM sessions WHERE user_hash = :userHash AND state <> 'open' ORDER BY key LIMIT :limit`);
    this.#forget = db.prepare('UPDATE sessions SET user_hash = NULL WHERE key = :session');
    this.#noteTraces = db.prepare('UPDATE store SET rewrite_due = rewrite_due + 1');
  }

  key(): string {
    return textOf(this.ledger.row(), 'journal_key');
  }

  append(entries: readonly NewEntry[]): void {
    const ofSessions = new Map<string, JournalEntry[]>();
    for (const { sessionId, entry } of entries) {
      const known = ofSessions.get(sessionId);
      if (known === undefined) ofSessions.set(sessionId, [entry]);
      else known.push(entry);
    }
    for (const [sessionId, added] of ofSessions) {
      const session = this.#session.get({ id: packId(sessionId) });
      if (session !== undefined) this.enter(numberOf(session, 'key'), added);
    }
  }

  /** Adds entries to the timeline of a session, by its key, and keeps its bounds. */
  enter(session: number, entries: readonly JournalEntry[]): void {
    const rows = packed(entries);
    for (const row of rows) this.#insert.run({ session, ...row });
    for (const added of new Set(rows.map((row) => row.class))) this.#keepBound(session, added);
  }

  /** Begins the timeline of a session that was opened just now. */
  begin(session: number, entry: JournalEntry): void {
    for (const row of packed([entry])) this.#insert.run({ session, ...row });
  }

  read(sessionId: string, limit: number, after?: JournalPosition | null): JournalPage {
    const from = after ? placeAt(after) : null;
    const found = this.#ofSession
      .all({ id: packId(sessionId) })
      .flatMap(unpacked)
      .filter((placed) => from === null || inOrder(placed, from) > 0)
      .toSorted(inOrder);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      entries: page.map(({ entry }) => entry),
      next: last === undefined || found.length === page.length ? null : positionOf(last),
    };
  }

  /** How a session ended, by its key: the last of its marks tells. */
  endOf(session: number): EndedEntry | null {
    const row = this.#latestMark.get({ session });
    const last = row && unpacked(row).at(-1)?.entry;
    return last?.kind === 'ended' ? last : null;
  }

  prune(maxBytes: number, limit: number): number {
    const dropped = this.#pruneRequests(maxBytes, limit);
    return dropped + this.#pruneTimelines(maxBytes, limit - dropped);
  }

  forgetUser(userHash: string, limit: number): number {
    const sessions = this.#overOfUser.all({ userHash, limit }).map((row) => numberOf(row, 'key'));
    for (const session of sessions) {
      this.#dropAll.run({ session });
      this.#forget.run({ session });
    }
    if (sessions.length > 0) this.#noteTraces.run();
    return sessions.length;
  }

  #keepBound(session: number, of: number): void {
    const excess = entriesOf(this.#count.get({ session, class: of })) - (MOST[of] ?? 0);
    if (excess <= 0) return;
    if (of === CLASS_NUMBERS.mark) this.#dropMarks.run({ session, excess });
    else this.#dropOldest(session, of, excess);
  }

  /** Entries of several rows may overlap in time. */
  #dropOldest(session: number, of: number, excess: number): void {
    const rows: Row[] = [];
    let oldest: PlacedEntry[] = [];
    for (const row of this.#oldest.iterate({ session, class: of })) {
      const last = oldest[excess - 1];
      if (last !== undefined && numberOf(row, 'at') > last.at) break;
      rows.push(row);
      oldest = [...oldest, ...unpacked(row)].toSorted(inOrder);
    }
    const dropped = oldest.slice(0, excess);
    for (const row of rows) {
      const key = numberOf(row, 'key');
      const count = dropped.filter((entry) => entry.key === key).length;
      const rest = withoutFirst(row, count);
      if (rest === null) this.#drop.run({ key });
      else if (count > 0) this.#cut.run({ key, at: rest.at, count: rest.count, text: rest.text });
    }
  }

  #pruneRequests(maxBytes: number, limit: number): number {
    if (this.#bytes() <= maxBytes) return 0;
    let dropped = 0;
    for (const row of this.#requests.all({ limit })) {
      if (dropped >= limit || this.#bytes() <= maxBytes) break;
      this.#drop.run({ key: numberOf(row, 'key') });
      dropped += numberOf(row, 'count');
    }
    return dropped;
  }

  #pruneTimelines(maxBytes: number, limit: number): number {
    let dropped = 0;
    while (dropped < limit && this.#bytes() > maxBytes) {
      const first = this.#first.get();
      if (first === undefined) break;
      const session = numberOf(first, 'session_key');
      dropped += entriesOf(this.#countAll.get({ session }));
      this.#dropAll.run({ session });
    }
    return dropped;
  }

  /** What all timelines hold together. */
  #bytes(): number {
    return numberOf(this.ledger.row(), 'journal_bytes');
  }
}

/** Of one that is over, only while it has a timeline: that of a user who was forgotten must not begin anew. */
const SESSION_SQL = `
  SELECT key FROM sessions
  WHERE id = :id AND (state = 'open' OR EXISTS (SELECT 1 FROM journal WHERE session_key = sessions.key))`;

/** The first mark that was written is the opening. */
const DROP_MARKS_SQL = `
  DELETE FROM journal WHERE key IN (
    SELECT key FROM journal WHERE session_key = :session AND class = ${CLASS_NUMBERS.mark} AND key > (
      SELECT min(key) FROM journal WHERE session_key = :session AND class = ${CLASS_NUMBERS.mark})
    ORDER BY at, key LIMIT :excess)`;

function entriesOf(row: Row | undefined): number {
  return numberOf(row ?? {}, 'entries');
}
