import type { DatabaseSync } from 'node:sqlite';
import type { SessionRecord } from '../../domain/session.js';
import type { BeginEnd, Claim, EndCondition, Released } from '../../ports/session-store.js';
import type { SqliteLedger } from './sqlite.ledger.js';
import { numberOf, packId, sessionOf, textOf, type Row } from './sqlite.values.js';

/** How a session ends: `open → ending → ended`, and the tombstone's own end. */
export class SqliteEndings {
  readonly #find;
  readonly #begin;
  readonly #claimable;
  readonly #lease;
  readonly #finish;
  readonly #holdings;
  readonly #dropResources;
  readonly #dropTombstones;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
  ) {
    this.#find = db.prepare('SELECT * FROM sessions WHERE id = :id');
    this.#begin = db.prepare(`
      UPDATE sessions SET state = 'ending', end_reason = :reason, leased_until = :until, change = :change
      WHERE key = :key RETURNING *`);
    this.#claimable = db.prepare(`
      SELECT * FROM sessions WHERE state = 'ending' AND leased_until <= :at ORDER BY leased_until, id LIMIT :limit`);
    this.#lease = db.prepare('UPDATE sessions SET leased_until = :until WHERE key = :key');
    this.#finish = db.prepare(`
      UPDATE sessions SET
        state = 'ended', leased_until = NULL, change = :change, resource_count = 0, bytes_used = 0,
        ip_address = '', user_agent = ''
      WHERE key = :key`);
    this.#holdings = db.prepare(`
      SELECT type, count(*) AS held, sum(size_bytes) AS held_bytes,
        sum(settled) AS settled, sum(settled * size_bytes) AS settled_bytes
      FROM resources WHERE session_key = :key GROUP BY type`);
    this.#dropResources = db.prepare('DELETE FROM resources WHERE session_key = :key');
    this.#dropTombstones = db.prepare(`
      DELETE FROM sessions WHERE key IN (
        SELECT key FROM sessions WHERE state = 'ended' AND expires_at <= :at ORDER BY expires_at LIMIT :limit)`);
  }

  beginEnd(sessionId: string, end: BeginEnd, only?: EndCondition | null): SessionRecord | null {
    const row = this.#find.get({ id: packId(sessionId) });
    if (row === undefined) return null;
    const session = sessionOf(row);
    if (session.state !== 'open' || !holds(session, only ?? null)) return null;
    const ending = this.#begin.get({
      key: numberOf(row, 'key'),
      reason: end.reason,
      until: end.lease.until,
      change: this.ledger.stamp(),
    });
    this.ledger.see(end.at);
    this.ledger.countBeginEnd(end.reason, Math.max(0, end.at - session.createdAt));
    return ending === undefined ? null : sessionOf(ending);
  }

  claimEnding(claim: Claim): SessionRecord[] {
    const rows = this.#claimable.all({ at: claim.at, limit: claim.limit });
    for (const row of rows) this.#lease.run({ key: numberOf(row, 'key'), until: claim.lease.until });
    return rows.map(sessionOf);
  }

  finishEnd(sessionId: string, at: number): Released {
    const row = this.#find.get({ id: packId(sessionId) });
    if (row === undefined || row['state'] !== 'ending') return { resources: 0, bytes: 0 };
    const key = numberOf(row, 'key');
    const released = this.#release(key);
    this.#finish.run({ key, change: this.ledger.stamp() });
    this.ledger.see(at);
    this.ledger.countFinishEnd();
    return released;
  }

  dropTombstones(at: number, limit: number): number {
    return Number(this.#dropTombstones.run({ at, limit }).changes);
  }

  #release(key: number): Released {
    const holdings = this.#holdings.all({ key });
    for (const holding of holdings) {
      this.ledger.countType(textOf(holding, 'type'), {
        active: -numberOf(holding, 'held'),
        activeBytes: -numberOf(holding, 'held_bytes'),
        released: numberOf(holding, 'settled'),
        releasedBytes: numberOf(holding, 'settled_bytes'),
      });
    }
    this.#dropResources.run({ key });
    return { resources: sum(holdings, 'settled'), bytes: sum(holdings, 'settled_bytes') };
  }
}

function holds(session: SessionRecord, only: EndCondition | null): boolean {
  if (only === null) return true;
  if (session.lastActivityAt > only.lastActivityAt) return false;
  return only.disposable !== true || (session.resourceCount === 0 && session.userId === null);
}

function sum(rows: readonly Row[], column: string): number {
  return rows.reduce((total, row) => total + numberOf(row, column), 0);
}
