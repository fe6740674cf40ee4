import type { DatabaseSync } from 'node:sqlite';
import { SessionsError } from '../../../domain/errors.js';
import { fits, type ResourceLimits } from '../../../domain/limits.js';
import {
  oldestFirst,
  reservedRecord,
  type NewResource,
  type ResourceRecord,
} from '../../../domain/resource.js';
import type { ResourcesGroup, Settled } from '../../../ports/resources.js';
import type { InOneThread } from './in-one-thread.js';
import type { SqliteLedger } from './ledger.js';
import { idOf, numberOf, packId, resourceOf, textOf, type Row } from './values.js';

/** A resource with the required columns of its session. */
const JOINED = `
  SELECT resources.*, sessions.id AS session_id, sessions.state AS session_state,
    sessions.resource_count AS session_resource_count, sessions.bytes_used AS session_bytes_used
  FROM resources JOIN sessions ON sessions.key = resources.session_key`;

export class SqliteResources implements InOneThread<ResourcesGroup> {
  readonly #session;
  readonly #find;
  readonly #ofSession;
  readonly #packedIds;
  readonly #insert;
  readonly #hold;
  readonly #grow;
  readonly #settle;
  readonly #use;
  readonly #addUse;
  readonly #unuse;
  readonly #removeUse;
  readonly #dropUnused;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
  ) {
    this.#session = db.prepare('SELECT key, state, resource_count, bytes_used FROM sessions WHERE id = :id');
    this.#find = db.prepare(`${JOINED} WHERE resources.id = :id`);
    this.#ofSession = db.prepare(`${JOINED} WHERE sessions.id = :sessionId`);
    // An id that is not a UUID is stored as text, and has no file.
    this.#packedIds = db.prepare(`
      SELECT lower(ifnull(group_concat(hex(resources.id), ''), '')) AS ids
      FROM sessions JOIN resources ON resources.session_key = sessions.key
      WHERE sessions.id = :sessionId AND typeof(resources.id) = 'blob'`);
    this.#insert = db.prepare(`
      INSERT INTO resources (
        id, session_key, type, purpose, file_name, media_type, size_bytes, state, settled, process_id, node_id,
        created_at, last_used_at)
      VALUES (
        :id, :sessionKey, :type, :purpose, :fileName, :mediaType, :sizeBytes, :state, :settled, :processId, :nodeId,
        :createdAt, :createdAt)`);
    this.#hold = db.prepare(`
      UPDATE sessions SET resource_count = resource_count + :count, bytes_used = bytes_used + :bytes WHERE key = :key`);
    this.#grow = db.prepare('UPDATE resources SET size_bytes = size_bytes + :bytes WHERE key = :key');
    this.#settle = db.prepare(`
      UPDATE resources SET state = 'ready', settled = 1, size_bytes = :sizeBytes,
        media_type = ifnull(:mediaType, media_type), process_id = NULL, last_used_at = max(last_used_at, :at)
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

  reserve(resource: NewResource, limits: ResourceLimits): 'reserved' | 'gone' | 'full' {
    const session = this.#session.get({ id: packId(resource.sessionId) });
    if (session?.['state'] !== 'open') return 'gone';
    const known = this.#find.get({ id: packId(resource.id) });
    if (known !== undefined) {
      return isOf(known, resource.sessionId) && known['state'] !== 'releasing' ? 'reserved' : 'gone';
    }
    const usage = {
      resourceCount: numberOf(session, 'resource_count'),
      bytesUsed: numberOf(session, 'bytes_used'),
    };
    if (!fits(usage, 1, resource.sizeBytes, limits)) return 'full';

    const key = numberOf(session, 'key');
    const { state } = reservedRecord(resource);
    this.#insert.run({
      id: packId(resource.id),
      sessionKey: key,
      type: resource.type,
      purpose: resource.purpose,
      fileName: resource.fileName,
      mediaType: resource.mediaType,
      sizeBytes: resource.sizeBytes,
      state,
      settled: Number(state === 'ready'),
      processId: packId(resource.processId),
      nodeId: resource.nodeId === null ? null : packId(resource.nodeId),
      createdAt: resource.createdAt,
    });
    this.#hold.run({ key, count: 1, bytes: resource.sizeBytes });
    this.ledger.countType(resource.type, { active: 1, activeBytes: resource.sizeBytes });
    return 'reserved';
  }

  grow(resourceId: string, bytes: number, limits: ResourceLimits): 'grown' | 'gone' | 'full' {
    const row = this.#find.get({ id: packId(resourceId) });
    if (row?.['state'] !== 'writing' || row['session_state'] !== 'open') return 'gone';
    const usage = {
      resourceCount: numberOf(row, 'session_resource_count'),
      bytesUsed: numberOf(row, 'session_bytes_used'),
    };
    if (!fits(usage, 0, bytes, limits)) return 'full';
    this.#grow.run({ key: numberOf(row, 'key'), bytes });
    this.#holdBytes(row, bytes);
    return 'grown';
  }

  settle(resourceId: string, settled: Settled): ResourceRecord | null {
    const row = this.#find.get({ id: packId(resourceId) });
    if (row === undefined || row['state'] === 'releasing' || row['session_state'] !== 'open') return null;
    if (row['state'] === 'writing') {
      const surplus = numberOf(row, 'size_bytes') - settled.sizeBytes;
      if (surplus < 0)
        throw new SessionsError('INVALID_ARGUMENT', 'settle(): sizeBytes is larger than the reserved size.');
      this.#settle.run({ key: numberOf(row, 'key'), ...settled });
      this.#holdBytes(row, -surplus);
    }
    return this.find(resourceId);
  }

  find(resourceId: string): ResourceRecord | null {
    const row = this.#find.get({ id: packId(resourceId) });
    return row === undefined ? null : resourceOf(row);
  }

  list(sessionIds: readonly string[]): ResourceRecord[] {
    return [...new Set(sessionIds)]
      .flatMap((sessionId) => this.#ofSession.all({ sessionId: packId(sessionId) }))
      .map(resourceOf)
      .toSorted(oldestFirst);
  }

  known(sessionIds: readonly string[]): string[] {
    return sessionIds.map((sessionId) => {
      const row = this.#packedIds.get({ sessionId: packId(sessionId) });
      return textOf(row ?? {}, 'ids');
    });
  }

  use(resourceId: string, processId: string, at: number): ResourceRecord | null {
    const row = this.#find.get({ id: packId(resourceId) });
    if (row?.['state'] !== 'ready' || row['session_state'] !== 'open') return null;
    const key = numberOf(row, 'key');
    this.#addUse.run({ key, processId: packId(processId) });
    this.#use.run({ key, at });
    return this.find(resourceId);
  }

  unuse(resourceId: string, processId: string, at: number): void {
    const row = this.#find.get({ id: packId(resourceId) });
    if (row === undefined) return;
    const use = { key: numberOf(row, 'key'), processId: packId(processId) };
    if (this.#removeUse.run(use).changes === 0) return;
    this.#dropUnused.run(use);
    this.#unuse.run({ key: use.key, at });
  }

  #holdBytes(row: Row, bytes: number): void {
    this.#hold.run({ key: numberOf(row, 'session_key'), count: 0, bytes });
    this.ledger.countType(textOf(row, 'type'), { activeBytes: bytes });
  }
}

function isOf(row: Row, sessionId: string): boolean {
  return idOf(row, 'session_id') === sessionId;
}
