import type { DatabaseSync } from 'node:sqlite';
import { isStillEvictable, victimsFor } from '../../../domain/eviction.js';
import type { Actor } from '../../../domain/journal/actor.js';
import type { JournalEntry } from '../../../domain/journal/entry.js';
import { sumOf } from '../../../domain/limits.js';
import { accountOf, isReadable, type ResourceRecord } from '../../../domain/resource.js';
import { isStale } from '../../../domain/session.js';
import type { Placed, Placement } from '../../../ports/resources.js';
import type { Refused } from '../../../ports/sessions.js';
import { filesInPlace, type SqliteAccounts } from './accounts.js';
import type { SqliteJournal } from './record/journal.js';
import type { SqliteLedger } from './record/ledger.js';
import type { SqliteReleases } from './releases.js';
import type { SqliteTrends } from './record/trends.js';
import { idOrNull, numberOf, packId, resourceOf, sessionOf, type Row } from '../database/values.js';

/** A resource with its row. */
interface Found {
  readonly row: Row;
  readonly record: ResourceRecord;
}

/** Gives files their places, and evicts for them. */
export class SqlitePlacement {
  readonly #session;
  readonly #find;
  readonly #place;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
    private readonly accounts: SqliteAccounts,
    private readonly releases: SqliteReleases,
    private readonly journal: SqliteJournal,
    private readonly trends: SqliteTrends,
  ) {
    this.#session = db.prepare('SELECT *, key AS session_key FROM sessions WHERE id = :id');
    this.#find = db.prepare(`
      SELECT resources.*, sessions.id AS session_id
      FROM resources JOIN sessions ON sessions.key = resources.session_key
      WHERE resources.id = :id AND sessions.id = :sessionId`);
    this.#place = db.prepare(
      "UPDATE resources SET state = 'ready', process_id = NULL, overdrawn_at = :overdrawnAt WHERE key = :key",
    );
  }

  place(placement: Placement): Placed | 'full' | Refused {
    const { sessionId, authority, resourceIds, limits, overdraw, at } = placement;
    const session = this.#session.get({ id: packId(sessionId) });
    if (session?.['state'] !== 'open') return 'gone';
    if (isStale(sessionOf(session), authority)) return 'stale';
    const files = this.#all(placement, resourceIds);
    if (files.length < resourceIds.length || !files.every(({ record }) => isReadable(record))) return 'gone';
    const waiting = files.filter(({ record }) => accountOf(record) === 'incoming');
    const key = numberOf(session, 'session_key');
    if (waiting.length === 0) {
      const victims = this.#evictedBefore(placement);
      return { files: recordsOf(files), victims, hasOverdrawn: this.accounts.hasOverdrawn(key) };
    }

    const more = sumOf(waiting.map(({ record }) => ({ resources: 1, bytes: record.sizeBytes })));
    const victims = victimsFor(filesInPlace(session), more, this.#evictable(placement), limits);
    if (victims === null && !overdraw) return 'full';
    const evicted = this.#evict(key, placement, victims ?? []);
    for (const { row } of waiting) {
      this.#place.run({ key: numberOf(row, 'key'), overdrawnAt: victims === null ? at : null });
    }
    const placed = this.#all(placement, resourceIds);
    this.accounts.move(key, recordsOf(files), recordsOf(placed));
    this.#count(at, recordsOf(waiting), evicted.length);
    return {
      files: recordsOf(placed),
      victims: evicted,
      hasOverdrawn: this.accounts.hasOverdrawn(key),
    };
  }

  /** Looks up one candidate after the other: the walk rarely needs all. */
  *#evictable(placement: Placement): Iterable<Found & { readonly sizeBytes: number }> {
    for (const candidate of placement.candidates) {
      const [found] = this.#all(placement, [candidate.id]);
      if (found && isStillEvictable(found.record, candidate)) {
        yield { ...found, sizeBytes: found.record.sizeBytes };
      }
    }
  }

  #evict(session: number, placement: Placement, victims: readonly Found[]): ResourceRecord[] {
    for (const { row, record } of victims) {
      this.releases.mark(row, placement.lease, placement.resourceIds[0]);
      this.ledger.countType(record.type, { evicted: 1 });
    }
    const { at, note } = placement;
    if (note)
      this.journal.enter(
        session,
        recordsOf(victims).map((victim) => evictionOf(victim, at, note.by)),
      );
    const ids = victims.map(({ record }) => record.id);
    return recordsOf(this.#all(placement, ids));
  }

  /** What is overdrawn was counted by the call that made it so. */
  #count(at: number, waiting: readonly ResourceRecord[], evicted: number): void {
    for (const { type, sizeBytes, state } of waiting) {
      if (state === 'complete') this.trends.count(at, { [`files:${type}`]: 1, [`bytes:${type}`]: sizeBytes });
    }
    if (evicted > 0) this.trends.count(at, { evicted });
  }

  /** What an earlier call with the same files evicted. */
  #evictedBefore(placement: Placement): ResourceRecord[] {
    const ids = placement.candidates.map(({ id }) => id);
    const [cause] = placement.resourceIds;
    return recordsOf(this.#all(placement, ids).filter(({ row }) => idOrNull(row, 'evicted_for') === cause));
  }

  #all({ sessionId }: Placement, ids: readonly string[]): Found[] {
    return ids
      .map((id) => this.#find.get({ id: packId(id), sessionId: packId(sessionId) }))
      .filter((row) => row !== undefined)
      .map((row) => ({ row, record: resourceOf(row) }));
  }
}

function evictionOf({ id, type, sizeBytes }: ResourceRecord, at: number, by: Actor): JournalEntry {
  return { kind: 'evicted', at, by, resourceId: id, type, sizeBytes };
}

function recordsOf(found: readonly Found[]): ResourceRecord[] {
  return found.map(({ record }) => record);
}
