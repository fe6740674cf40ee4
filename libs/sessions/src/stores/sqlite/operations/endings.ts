import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { NOBODY } from '../../../domain/ids.js';
import { isOperator } from '../../../domain/journal/actor.js';
import { durationBucket } from '../../../domain/trends/trend.js';
import { meetsEndCondition, type EndCondition } from '../../../domain/lifetime.js';
import { REPLACED_MS, type SessionRecord } from '../../../domain/session.js';
import type {
  BeginEnd,
  DueAfter,
  EndedQuery,
  EndedRecord,
  EndedSlice,
  EndingSession,
  EndingsGroup,
  LeaseRequest,
  Released,
} from '../../../ports/endings.js';
import type { SqliteData } from './data.js';
import { DROP_REPLACED_SQL } from '../database/schema.js';
import type { InOneThread } from '../../../ports/store/store-groups.js';
import type { SqliteAudit } from './record/audit.js';
import type { SqliteJournal } from './record/journal.js';
import type { SqliteLedger } from './record/ledger.js';
import type { SqliteTrends } from './record/trends.js';
import { IS_INCOMING, IS_IN_PLACE, IS_STREAM } from '../database/schema.js';
import { TOMBSTONE_ENDS_AT } from '../database/journal.schema.js';
import { byLease, idOf, numberOf, packId, sessionOf, textOf, type Row } from '../database/values.js';

/** The part of one node in the end of a session. */
interface Part extends Record<string, SQLInputValue> {
  readonly key: number;
  readonly node: SQLInputValue;
}

export class SqliteEndings implements InOneThread<EndingsGroup> {
  readonly #idle;
  readonly #expired;
  readonly #countDue;
  readonly #find;
  readonly #begin;
  readonly #nodes;
  readonly #addPart;
  readonly #leasable;
  readonly #lease;
  readonly #hasFiles;
  readonly #dropParts;
  readonly #isAwaited;
  readonly #free;
  readonly #finish;
  readonly #holdings;
  readonly #dropResources;
  readonly #ended;
  readonly #endedOf;
  readonly #dropTombstones;
  readonly #dropReplaced;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
    private readonly data: SqliteData,
    private readonly journal: SqliteJournal,
    private readonly audit: SqliteAudit,
    private readonly trends: SqliteTrends,
  ) {
    this.#idle = db.prepare(IDLE_SQL);
    this.#expired = db.prepare(EXPIRED_SQL);
    this.#countDue = db.prepare(COUNT_DUE_SQL);
    this.#find = db.prepare('SELECT * FROM sessions WHERE id = :id');
    this.#begin = db.prepare(`
      UPDATE sessions SET
        state = 'ending', end_reason = :reason, change = :change, kept_from = :keptFrom, kept_until = :keptUntil,
        ip_address = '', other_address = NULL, user_agent = '', network = NULL, data_bytes = 0
      WHERE key = :key RETURNING *`);
    this.#nodes = db.prepare(
      'SELECT DISTINCT node_id FROM resources WHERE session_key = :key AND node_id IS NOT NULL',
    );
    this.#addPart = db.prepare(
      'INSERT INTO ending_parts (session_key, node_id, leased_until) VALUES (:key, :node, :until)',
    );
    this.#leasable = db.prepare(`
      SELECT sessions.*, ending_parts.leased_until, ending_parts.node_id
      FROM ending_parts JOIN sessions ON sessions.key = ending_parts.session_key
      WHERE ending_parts.node_id = :node AND ending_parts.leased_until <= :at
      ORDER BY ending_parts.leased_until, sessions.id LIMIT :limit`);
    this.#lease = db.prepare(
      `UPDATE ending_parts SET leased_until = :until WHERE session_key = :key AND ${OF_NODE_OR_NOBODY}`,
    );
    this.#hasFiles = db.prepare(
      'SELECT 1 FROM resources WHERE session_key = :key AND node_id = :node LIMIT 1',
    );
    this.#dropParts = db.prepare(
      `DELETE FROM ending_parts WHERE session_key = :key AND ${OF_NODE_OR_NOBODY}`,
    );
    this.#isAwaited = db.prepare('SELECT 1 FROM ending_parts WHERE session_key = :key LIMIT 1');
    this.#free = db.prepare(`
      UPDATE sessions SET
        resource_count = resource_count - :inPlace, bytes_used = bytes_used - :inPlaceBytes,
        stream_count = stream_count - :streams,
        incoming_count = incoming_count - :incoming, incoming_bytes = incoming_bytes - :incomingBytes
      WHERE key = :key`);
    this.#finish = db.prepare(`
      UPDATE sessions SET
        state = 'ended', change = :change, resource_count = 0, bytes_used = 0, stream_count = 0,
        incoming_count = 0, incoming_bytes = 0, user_id = NULL
      WHERE key = :key`);
    this.#holdings = db.prepare(`
      SELECT type, count(*) AS held, sum(size_bytes) AS held_bytes,
        sum(completed) AS completed, sum(completed * size_bytes) AS completed_bytes,
        sum(${IS_IN_PLACE}) AS in_place, sum(${IS_IN_PLACE} * size_bytes) AS in_place_bytes,
        sum(${IS_IN_PLACE} AND ${IS_STREAM}) AS streams,
        sum(${IS_INCOMING}) AS incoming, sum(${IS_INCOMING} * size_bytes) AS incoming_bytes
      FROM resources WHERE session_key = :key AND ifnull(node_id, :nodeOfStreams) = :node GROUP BY type`);
    this.#dropResources = db.prepare(
      'DELETE FROM resources WHERE session_key = :key AND ifnull(node_id, :nodeOfStreams) = :node',
    );
    this.#ended = db.prepare(endedSql(''));
    this.#endedOf = db.prepare(endedSql('AND user_hash = :userHash'));
    this.#dropTombstones = db.prepare(`
      DELETE FROM sessions WHERE key IN (
        SELECT key FROM sessions WHERE state = 'ended' AND ${TOMBSTONE_ENDS_AT} <= :at
        ORDER BY ${TOMBSTONE_ENDS_AT} LIMIT :limit)`);
    this.#dropReplaced = db.prepare(DROP_REPLACED_SQL);
  }

  findIdle(at: number, limit: number, after?: DueAfter | null): SessionRecord[] {
    return this.#idle.all({ at, limit, ...pageAfter(after) }).map(sessionOf);
  }

  findExpired(at: number, limit: number, after?: DueAfter | null): SessionRecord[] {
    return this.#expired.all({ at, limit, ...pageAfter(after) }).map(sessionOf);
  }

  countDue(at: number): { idle: number; expired: number } {
    const row = this.#countDue.get({ at }) ?? {};
    return { idle: numberOf(row, 'idle'), expired: numberOf(row, 'expired') };
  }

  beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition | null): EndingSession | null {
    const row = this.#find.get({ id: packId(sessionId) });
    if (row === undefined) return null;
    const session = sessionOf(row);
    if (session.state !== 'open' || (only && !meetsEndCondition(session, only))) return null;
    const key = numberOf(row, 'key');
    const { reason, keptUntil = null } = end;
    const keptFrom = keptUntil === null ? null : end.at;
    const ending = this.#begin.get({ key, reason, change: this.ledger.stamp(), keptFrom, keptUntil });
    this.data.drop(key);
    const hasFiles = this.#addParts(key, end);
    this.ledger.see(end.at);
    const durationMs = Math.max(0, end.at - session.createdAt);
    this.ledger.countBeginEnd(reason, durationMs);
    this.trends.count(end.at, { [`ended:${reason}`]: 1, [`duration:${durationBucket(durationMs)}`]: 1 });
    this.#enter(key, session, end, durationMs);
    return ending === undefined ? null : { ...sessionOf(ending), hasFiles };
  }

  leaseEnding({ at, lease, limit }: LeaseRequest): EndingSession[] {
    const node = packId(lease.nodeId);
    const rows = [node, NOBODY]
      .flatMap((owner) => this.#leasable.all({ node: owner, at, limit }))
      .toSorted(byLease)
      .slice(0, limit);
    return rows.map((row) => {
      const key = numberOf(row, 'key');
      this.#lease.run({ key, node, until: lease.until });
      // A part of NOBODY that began before there were nodes may have files.
      const hasFiles = row['node_id'] !== NOBODY || this.#hasFiles.get({ key, node }) !== undefined;
      return { ...sessionOf(row), hasFiles };
    });
  }

  finishEnd(sessionId: string, nodeId: string, at: number): Released {
    return this.endPart(sessionId, nodeId, at, true);
  }

  /** `isDeleted`: whether the node's files are; those of a forgotten node are not. */
  endPart(sessionId: string, nodeId: string, at: number, isDeleted: boolean): Released {
    const row = this.#find.get({ id: packId(sessionId) });
    if (row === undefined || row['state'] !== 'ending') return { resources: 0, bytes: 0 };
    const part = { key: numberOf(row, 'key'), node: packId(nodeId) };
    const holdings = this.#drop({ ...part, nodeOfStreams: part.node }, isDeleted);
    this.#dropParts.run(part);
    this.ledger.see(at);
    if (this.#isAwaited.get({ key: part.key }) === undefined) {
      this.#finish.run({ key: part.key, change: this.ledger.stamp() });
      this.ledger.countFinishEnd();
    } else this.#giveBack(part.key, holdings);
    return released(holdings);
  }

  /** Drops the records of files on a forgotten node, in any state of their session. */
  dropFiles(sessionId: string, nodeId: string): Released {
    const row = this.#find.get({ id: packId(sessionId) });
    if (row === undefined) return { resources: 0, bytes: 0 };
    const key = numberOf(row, 'key');
    const holdings = this.#drop({ key, node: packId(nodeId), nodeOfStreams: null }, false);
    this.#giveBack(key, holdings);
    return released(holdings);
  }

  listEnded({ limit, userHash, after }: EndedQuery): EndedSlice {
    // One more tells whether there is a next page.
    const page = { limit: limit + 1, at: after?.value ?? Infinity, id: packId(after?.id ?? '') };
    const found = userHash === undefined ? this.#ended.all(page) : this.#endedOf.all({ ...page, userHash });
    const sessions = found.slice(0, limit).map((row) => this.#endedRecord(row));
    const last = sessions.at(-1);
    const next = last && found.length > limit ? { value: last.endedAt, id: last.id } : null;
    return { sessions, next };
  }

  #endedRecord(row: Row): EndedRecord {
    const { id, state, createdAt, endReason } = sessionOf(row);
    return {
      id,
      state: state === 'ended' ? state : 'ending',
      createdAt,
      endedAt: numberOf(row, 'kept_from'),
      endReason,
      end: this.journal.endOf(numberOf(row, 'key')),
    };
  }

  /** Forgets replaced tokens and writes of data too: the next ones do, but may not come. */
  dropTombstones(at: number, limit: number): number {
    this.#dropReplaced.run({ before: at - REPLACED_MS });
    this.data.forgetWrites(at);
    return Number(this.#dropTombstones.run({ at, limit }).changes);
  }

  #enter(key: number, session: SessionRecord, end: BeginEnd, durationMs: number): void {
    const { at, reason, note } = end;
    if (!note) return;
    const { by } = note;
    const { id, resourceCount: resources, bytesUsed: bytes } = session;
    const requests = session.requestCount + (end.requests ?? 0);
    this.journal.enter(key, [{ kind: 'ended', at, by, reason, durationMs, requests, resources, bytes }]);
    if (!isOperator(by)) return;
    this.audit.append({ at, by, deed: 'end', subject: id, outcome: 'done', sessions: 1, resources, bytes });
  }

  /** Whether the node that ends the session has files of it. */
  #addParts(key: number, { lease }: BeginEnd): boolean {
    const nodes = this.#nodes.all({ key }).map((row) => idOf(row, 'node_id'));
    if (nodes.length === 0) this.#addPart.run({ key, node: NOBODY, until: lease.until });
    for (const node of nodes) {
      this.#addPart.run({ key, node: packId(node), until: node === lease.nodeId ? lease.until : 0 });
    }
    return nodes.includes(lease.nodeId);
  }

  #drop(files: Part & { readonly nodeOfStreams: SQLInputValue }, isDeleted: boolean): Row[] {
    const holdings = this.#holdings.all(files);
    for (const holding of holdings) {
      this.ledger.countType(textOf(holding, 'type'), {
        active: -numberOf(holding, 'held'),
        activeBytes: -numberOf(holding, 'held_bytes'),
        released: numberOf(holding, 'completed'),
        releasedBytes: isDeleted ? numberOf(holding, 'completed_bytes') : 0,
      });
    }
    this.#dropResources.run(files);
    return holdings;
  }

  #giveBack(key: number, holdings: readonly Row[]): void {
    this.#free.run({
      key,
      inPlace: sum(holdings, 'in_place'),
      inPlaceBytes: sum(holdings, 'in_place_bytes'),
      streams: sum(holdings, 'streams'),
      incoming: sum(holdings, 'incoming'),
      incomingBytes: sum(holdings, 'incoming_bytes'),
    });
  }
}

function released(holdings: readonly Row[]): Released {
  return { resources: sum(holdings, 'completed'), bytes: sum(holdings, 'completed_bytes') };
}

function sum(rows: readonly Row[], column: string): number {
  return rows.reduce((total, row) => total + numberOf(row, column), 0);
}

const OF_NODE_OR_NOBODY = `node_id IN (:node, '${NOBODY}')`;

const IDLE_SQL = dueSql('idle_ends_at');

const EXPIRED_SQL = dueSql('expires_at');

function dueSql(endsAt: string): string {
  return `
    SELECT * FROM sessions
    WHERE state = 'open' AND ${endsAt} <= :at
      AND ${endsAt} >= :afterEnd AND (${endsAt} > :afterEnd OR id > :afterId)
    ORDER BY ${endsAt}, id LIMIT :limit`;
}

function endedSql(condition: string): string {
  return `
    SELECT * FROM sessions
    WHERE kept_from IS NOT NULL ${condition} AND kept_from <= :at AND (kept_from < :at OR id > :id)
    ORDER BY kept_from DESC, id LIMIT :limit`;
}

/** Without `after`, the page begins before every session. */
function pageAfter(after: DueAfter | null | undefined): { afterEnd: number; afterId: SQLInputValue } {
  return after
    ? { afterEnd: after.endsAt, afterId: packId(after.id) }
    : { afterEnd: Number.MIN_SAFE_INTEGER, afterId: '' };
}

const COUNT_DUE_SQL = `
  SELECT
    (SELECT count(*) FROM sessions WHERE state = 'open' AND idle_ends_at <= :at) AS idle,
    (SELECT count(*) FROM sessions WHERE state = 'open' AND expires_at <= :at) AS expired`;
