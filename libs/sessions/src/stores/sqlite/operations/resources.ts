import type { DatabaseSync } from 'node:sqlite';
import type { BudgetLimits, Quota } from '../../../domain/budgets.js';
import { SessionsError } from '../../../domain/errors.js';
import { admitsFile, admitsStream, type ResourceLimits } from '../../../domain/limits.js';
import {
  isReadable,
  oldestFirst,
  reservedRecord,
  STREAM_TYPE,
  type NewResource,
  type ResourceRecord,
} from '../../../domain/resource.js';
import { isStale, type Authority, type SessionRecord } from '../../../domain/session.js';
import type { Completed, Placed, Placement, ResourcesGroup } from '../../../ports/resources.js';
import type { Refused } from '../../../ports/sessions.js';
import type { SqliteAccounts } from './accounts.js';
import { COUNTED_COLUMNS, type SqliteBudgets } from './budgets.js';
import type { InOneThread } from '../../../ports/store/store-groups.js';
import type { SqliteLedger } from './record/ledger.js';
import type { SqlitePlacement } from './placement.js';
import {
  authoritiesOf,
  hashOf,
  idOf,
  numberOf,
  packId,
  resourceOf,
  resourceOfSession,
  textOf,
  type Row,
} from '../database/values.js';

const OF_SESSION = `
  sessions.key AS session_key, sessions.state AS session_state, sessions.token_hash AS session_token_hash,
  sessions.kept_authorities AS session_kept_authorities, ${COUNTED_COLUMNS}`;

/** A resource with the required columns of its session. */
const JOINED = `
  SELECT resources.*, sessions.id AS session_id, ${OF_SESSION}
  FROM resources JOIN sessions ON sessions.key = resources.session_key`;

/** Without the columns of the session: half of the time that a list takes goes into columns. */
const LISTED = `
  SELECT resources.* FROM sessions JOIN resources ON resources.session_key = sessions.key WHERE sessions.id = :sessionId`;

export class SqliteResources implements InOneThread<ResourcesGroup> {
  readonly #session;
  readonly #find;
  readonly #ofSession;
  readonly #overdrawn;
  readonly #packedIds;
  readonly #insert;
  readonly #grow;
  readonly #noteStall;
  readonly #complete;
  readonly #use;
  readonly #addUse;
  readonly #unuse;
  readonly #removeUse;
  readonly #dropUnused;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
    private readonly accounts: SqliteAccounts,
    private readonly placement: SqlitePlacement,
    private readonly budgets: SqliteBudgets,
  ) {
    this.#session = db.prepare(`SELECT ${OF_SESSION} FROM sessions WHERE id = :id`);
    this.#find = db.prepare(`${JOINED} WHERE resources.id = :id`);
    this.#ofSession = db.prepare(LISTED);
    this.#overdrawn = db.prepare(`
      ${JOINED} WHERE resources.overdrawn_at <= :at AND sessions.state = 'open'
      ORDER BY resources.overdrawn_at, resources.id LIMIT :limit`);
    // An id that is not a UUID is stored as text, and has no file.
    this.#packedIds = db.prepare(`
      SELECT lower(ifnull(group_concat(hex(resources.id), ''), '')) AS ids
      FROM sessions JOIN resources ON resources.session_key = sessions.key
      WHERE sessions.id = :sessionId AND typeof(resources.id) = 'blob'`);
    this.#insert = db.prepare(`
      INSERT INTO resources (
        id, session_key, type, purpose, file_name, media_type, size_bytes, state, completed, process_id, node_id,
        created_at, last_used_at)
      VALUES (
        :id, :sessionKey, :type, :purpose, :fileName, :mediaType, :sizeBytes, :state, :completed, :processId, :nodeId,
        :createdAt, :createdAt)`);
    this.#grow = db.prepare('UPDATE resources SET size_bytes = size_bytes + :bytes WHERE key = :key');
    this.#noteStall = db.prepare('UPDATE resources SET stalled_since = :since WHERE key = :key');
    this.#complete = db.prepare(`
      UPDATE resources SET state = 'complete', completed = 1, size_bytes = :sizeBytes, stalled_since = NULL,
        media_type = ifnull(:mediaType, media_type), last_used_at = max(last_used_at, :at)
      WHERE key = :key`);
    this.#use = db.prepare(
      'UPDATE resources SET uses = uses + 1, last_used_at = max(last_used_at, :at) WHERE key = :key',
    );
    this.#addUse = db.prepare(`
      INSERT INTO uses (resource_key, process_id, count) VALUES (:key, :processId, 1)
      ON CONFLICT (resource_key, process_id) DO UPDATE SET count = count + 1`);
    this.#unuse = db.prepare(
      'UPDATE resources SET uses = uses - 1, last_used_at = max(last_used_at, :at) WHERE key = :key',
    );
    this.#removeUse = db.prepare(
      'UPDATE uses SET count = count - 1 WHERE resource_key = :key AND process_id = :processId',
    );
    this.#dropUnused = db.prepare(
      'DELETE FROM uses WHERE resource_key = :key AND process_id = :processId AND count = 0',
    );
  }

  reserve(
    resource: NewResource,
    authority: Authority | null,
    limits: ResourceLimits,
    budgets?: BudgetLimits | null,
  ): 'reserved' | 'full' | Quota | Refused {
    const session = this.#session.get({ id: packId(resource.sessionId) });
    const refused = refusal(session, authority);
    if (session === undefined || refused !== null) return refused ?? 'gone';
    const known = this.#find.get({ id: packId(resource.id) });
    if (known !== undefined) {
      return isOf(known, resource.sessionId) && known['state'] !== 'releasing' ? 'reserved' : 'gone';
    }
    const node = resource.nodeId === null ? null : packId(resource.nodeId);
    this.budgets.bound(session, limits);
    if (resource.type === STREAM_TYPE) {
      if (!admitsStream(numberOf(session, 'stream_count'), limits)) return 'full';
    } else {
      const more = { resources: 1, bytes: resource.sizeBytes };
      if (!admitsFile(this.accounts.of(session, node), more, limits)) return 'full';
      const quota = this.budgets.refusing(session, more, limits, budgets ?? null);
      if (quota !== null) return quota;
    }

    const record = reservedRecord(resource);
    const key = numberOf(session, 'session_key');
    this.#insert.run({
      id: packId(resource.id),
      sessionKey: key,
      type: resource.type,
      purpose: resource.purpose,
      fileName: resource.fileName,
      mediaType: resource.mediaType,
      sizeBytes: resource.sizeBytes,
      state: record.state,
      completed: Number(record.state === 'ready'),
      processId: packId(resource.processId),
      nodeId: node,
      createdAt: resource.createdAt,
    });
    this.accounts.move(key, [], [record]);
    this.ledger.countType(resource.type, { active: 1, activeBytes: resource.sizeBytes });
    return 'reserved';
  }

  grow(
    resourceId: string,
    authority: Authority | null,
    bytes: number,
    limits: ResourceLimits,
    budgets?: BudgetLimits | null,
  ): 'grown' | 'full' | Quota | Refused {
    const row = this.#find.get({ id: packId(resourceId) });
    const refused = refusal(row, authority);
    if (row === undefined || refused !== null) return refused ?? 'gone';
    if (row['state'] !== 'writing') return 'gone';
    const accounts = this.accounts.of(row, row['node_id'] ?? null);
    this.budgets.bound(row, limits);
    const more = { resources: 0, bytes };
    if (!admitsFile(accounts, more, limits)) return 'full';
    const quota = this.budgets.refusing(row, more, limits, budgets ?? null);
    if (quota !== null) return quota;
    this.#grow.run({ key: numberOf(row, 'key'), bytes });
    this.#changed(row);
    return 'grown';
  }

  noteStall(resourceId: string, since: number | null): boolean {
    const row = this.#find.get({ id: packId(resourceId) });
    if (row === undefined || refusal(row, null) !== null || row['state'] !== 'writing') return false;
    this.#noteStall.run({ key: numberOf(row, 'key'), since });
    return true;
  }

  complete(resourceId: string, authority: Authority | null, completed: Completed): ResourceRecord | Refused {
    const row = this.#find.get({ id: packId(resourceId) });
    const refused = refusal(row, authority);
    if (row === undefined || refused !== null) return refused ?? 'gone';
    if (row['state'] === 'releasing') return 'gone';
    if (row['state'] !== 'writing') return resourceOf(row);
    if (completed.sizeBytes > numberOf(row, 'size_bytes'))
      throw new SessionsError('INVALID_ARGUMENT', 'complete(): sizeBytes is larger than the reserved size.');
    this.#complete.run({ key: numberOf(row, 'key'), ...completed });
    return this.#changed(row);
  }

  place(placement: Placement): Placed | 'full' | Refused {
    return this.placement.place(placement);
  }

  find(resourceId: string): ResourceRecord | null {
    const row = this.#find.get({ id: packId(resourceId) });
    return row === undefined ? null : resourceOf(row);
  }

  findOf(
    sessionId: string,
    authority: Authority | null,
    resourceId: string,
  ): ResourceRecord | 'stale' | null {
    const session = this.#session.get({ id: packId(sessionId) });
    if (session && isStale(tokensOf(session), authority)) return 'stale';
    const found = this.find(resourceId);
    return found?.sessionId === sessionId ? found : null;
  }

  list(sessionIds: readonly string[]): ResourceRecord[] {
    return [...new Set(sessionIds)]
      .flatMap((sessionId) => {
        const rows = this.#ofSession.all({ sessionId: packId(sessionId) });
        return rows.map((row) => resourceOfSession(sessionId, row));
      })
      .toSorted(oldestFirst);
  }

  listOverdrawn(at: number, limit: number): ResourceRecord[] {
    return this.#overdrawn.all({ at, limit }).map(resourceOf);
  }

  known(sessionIds: readonly string[]): string[] {
    return sessionIds.map((sessionId) => {
      const row = this.#packedIds.get({ sessionId: packId(sessionId) });
      return textOf(row ?? {}, 'ids');
    });
  }

  use(
    resourceId: string,
    authority: Authority | null,
    processId: string,
    at: number,
  ): ResourceRecord | 'stale' | null {
    const row = this.#find.get({ id: packId(resourceId) });
    const refused = refusal(row, authority);
    if (refused === 'stale') return 'stale';
    if (row === undefined || refused !== null || !isReadable(resourceOf(row))) return null;
    const key = numberOf(row, 'key');
    this.#addUse.run({ key, processId: packId(processId) });
    this.#use.run({ key, at });
    return this.#now(resourceId);
  }

  unuse(resourceId: string, processId: string, at: number): boolean {
    const row = this.#find.get({ id: packId(resourceId) });
    if (row === undefined) return false;
    const use = { key: numberOf(row, 'key'), processId: packId(processId) };
    if (this.#removeUse.run(use).changes > 0) {
      this.#dropUnused.run(use);
      this.#unuse.run({ key: use.key, at });
    }
    return this.accounts.hasOverdrawn(numberOf(row, 'session_key'));
  }

  /** Counts a resource anew whose state or size has changed; answers it as it is now. */
  #changed(before: Row): ResourceRecord {
    const old = resourceOf(before);
    const now = this.#now(old.id);
    this.accounts.move(numberOf(before, 'session_key'), [old], [now]);
    this.ledger.countType(old.type, { activeBytes: now.sizeBytes - old.sizeBytes });
    return now;
  }

  #now(resourceId: string): ResourceRecord {
    return resourceOf(this.#find.get({ id: packId(resourceId) }) ?? {});
  }
}

function tokensOf(session: Row): Pick<SessionRecord, 'tokenHash' | 'keptAuthorities'> {
  return {
    tokenHash: hashOf(session, 'session_token_hash'),
    keptAuthorities: authoritiesOf(session, 'session_kept_authorities'),
  };
}

function refusal(session: Row | undefined, authority: Authority | null): Refused | null {
  if (session?.['session_state'] !== 'open') return 'gone';
  return isStale(tokensOf(session), authority) ? 'stale' : null;
}

function isOf(row: Row, sessionId: string): boolean {
  return idOf(row, 'session_id') === sessionId;
}
