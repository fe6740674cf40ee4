import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SessionsError } from '../../../domain/errors.js';
import type { NewSession, SessionRecord } from '../../../domain/session.js';
import {
  orderOf,
  SESSION_SORTS,
  type Refused,
  type SessionQuery,
  type SessionSort,
  type SessionsGroup,
  type TokenMatch,
  type Touch,
} from '../../../ports/sessions.js';
import type { InOneThread } from './in-one-thread.js';
import type { SqliteLedger } from './ledger.js';
import { IS_DISPOSABLE } from './schema.js';
import { numberOf, packHash, packId, sessionOf } from './values.js';

interface Page {
  readonly ofAll: StatementSync;
  readonly ofUser: StatementSync;
}

export class SqliteSessions implements InOneThread<SessionsGroup> {
  readonly #insert;
  readonly #find;
  readonly #findByToken;
  readonly #findByPreviousToken;
  readonly #touch;
  readonly #bind;
  readonly #rotate;
  readonly #disposable;
  readonly #pages: ReadonlyMap<SessionSort, Page>;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
  ) {
    this.#insert = db.prepare(`
      INSERT INTO sessions (id, token_hash, change, ip_address, user_agent, created_at, last_activity_at, expires_at, idle_ms)
      VALUES (:id, :tokenHash, :change, :ipAddress, :userAgent, :createdAt, :createdAt, :expiresAt, :idleMs)`);
    this.#find = db.prepare('SELECT * FROM sessions WHERE id = :id');
    this.#findByToken = db.prepare('SELECT * FROM sessions WHERE token_hash = :tokenHash');
    this.#findByPreviousToken = db.prepare('SELECT * FROM sessions WHERE previous_token_hash = :tokenHash');
    this.#touch = db.prepare(`
      UPDATE sessions SET
        last_activity_at = max(last_activity_at, min(:at, expires_at)),
        request_count = request_count + :requests,
        confirmed = max(confirmed, :requests > 0)
      WHERE id = :id AND state = 'open'`);
    this.#bind = db.prepare('UPDATE sessions SET user_id = :userId, change = :change WHERE id = :id');
    this.#rotate = db.prepare(`
      UPDATE sessions SET
        previous_token_hash = token_hash, replaced_at = :at,
        token_hash = :tokenHash, epoch = epoch + 1, change = :change
      WHERE id = :id`);
    this.#disposable = db.prepare(DISPOSABLE_SQL);
    this.#pages = new Map(
      SESSION_SORTS.map((sort) => [
        sort,
        { ofAll: db.prepare(pageSql(sort, '')), ofUser: db.prepare(pageSql(sort, 'AND user_id = :userId')) },
      ]),
    );
  }

  open(session: NewSession, maxSessions: number): 'opened' | 'full' {
    const known = this.find(session.id);
    if (known !== null) {
      if (known.tokenHash === session.tokenHash) return 'opened';
      throw new SessionsError(
        'INVALID_ARGUMENT',
        'Another session already has this id: use a new random UUID',
      );
    }
    const change = this.ledger.admit(session.createdAt, maxSessions);
    if (change === null) return 'full';
    this.#insert.run({
      ...session,
      id: packId(session.id),
      tokenHash: packHash(session.tokenHash),
      change,
    });
    return 'opened';
  }

  find(sessionId: string): SessionRecord | null {
    const row = this.#find.get({ id: packId(sessionId) });
    return row === undefined ? null : sessionOf(row);
  }

  findByToken(tokenHash: string): TokenMatch | null {
    const key = { tokenHash: packHash(tokenHash) };
    const current = this.#findByToken.get(key);
    if (current !== undefined) return { session: sessionOf(current), current: true, replacedAt: null };
    const previous = this.#findByPreviousToken.get(key);
    if (previous === undefined) return null;
    return { session: sessionOf(previous), current: false, replacedAt: numberOf(previous, 'replaced_at') };
  }

  touch(touches: readonly Touch[]): void {
    let newest = -Infinity;
    for (const { sessionId, at, requests } of touches) {
      this.#touch.run({ id: packId(sessionId), at, requests });
      newest = Math.max(newest, at);
    }
    if (touches.length > 0) this.ledger.see(newest);
  }

  bindUser(sessionId: string, epoch: number, userId: string): 'bound' | Refused {
    const session = this.find(sessionId);
    const refused = refusal(session, epoch);
    if (refused !== null) return refused;
    if (session?.userId !== userId) {
      this.#bind.run({ id: packId(sessionId), userId, change: this.ledger.stamp() });
    }
    return 'bound';
  }

  rotate(sessionId: string, epoch: number, tokenHash: string, at: number): 'rotated' | Refused {
    const session = this.find(sessionId);
    const refused = refusal(session, epoch);
    if (refused !== null) return refused;
    if (session?.tokenHash === tokenHash) {
      throw new SessionsError(
        'INVALID_ARGUMENT',
        'The session already has this token: use a new random token',
      );
    }
    this.#rotate.run({
      id: packId(sessionId),
      tokenHash: packHash(tokenHash),
      at,
      change: this.ledger.stamp(),
    });
    this.ledger.see(at);
    return 'rotated';
  }

  findDisposable(limit: number): SessionRecord[] {
    return this.#disposable.all({ limit }).map(sessionOf);
  }

  list({ sort, limit, after, userId }: SessionQuery): SessionRecord[] {
    const page = this.#pages.get(sort);
    if (page === undefined) throw new TypeError(`Unknown sort: ${sort}`);
    const start = orderOf(sort).descending ? Infinity : -Infinity;
    const from = { limit, instant: after?.instant ?? start, id: packId(after?.id ?? '') };
    const rows = userId === undefined ? page.ofAll.all(from) : page.ofUser.all({ ...from, userId });
    return rows.map(sessionOf);
  }
}

function refusal(session: SessionRecord | null, epoch: number): Refused | null {
  if (session?.state !== 'open') return 'gone';
  return session.epoch === epoch ? null : 'stale';
}

const DISPOSABLE_SQL = `
  SELECT * FROM sessions WHERE state = 'open' AND ${IS_DISPOSABLE}
  ORDER BY last_activity_at, id LIMIT :limit`;

/** One page by keyset: rows after `:instant`, and at that instant after `:id`. */
function pageSql(sort: SessionSort, condition: string): string {
  const { by, descending } = orderOf(sort);
  const column = by === 'createdAt' ? 'created_at' : 'last_activity_at';
  const [beyond, direction] = descending ? ['<', 'DESC'] : ['>', 'ASC'];
  return `
    SELECT * FROM sessions
    WHERE state = 'open' ${condition}
      AND ${column} ${beyond}= :instant AND (${column} ${beyond} :instant OR id > :id)
    ORDER BY ${column} ${direction}, id LIMIT :limit`;
}
