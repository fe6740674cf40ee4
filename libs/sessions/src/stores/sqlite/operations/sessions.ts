import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { SessionsError } from '../../../domain/errors.js';
import type { JournalEntry } from '../../../domain/journal/entry.js';
import { idsFrom } from '../../../domain/ids.js';
import type { UsageBound } from '../../../domain/limits.js';
import {
  isReplaced,
  keptWith,
  MOST_REPLACED,
  REPLACED_MS,
  type Authority,
  type NewSession,
  type SessionRecord,
} from '../../../domain/session.js';
import type { DeedNote } from '../../../ports/record/journal.js';
import {
  type NetworkLimits,
  type NewLogin,
  type NewToken,
  type OpeningLimits,
  type Refused,
  type RefusedOpening,
  type SessionQuery,
  type SessionSlice,
  type SessionsGroup,
  type TokenMatch,
  type Touch,
} from '../../../ports/sessions.js';
import type { InOneThread } from '../../../ports/store/store-groups.js';
import type { SqliteBudgets } from './budgets.js';
import type { SqliteData } from './data.js';
import type { SqliteListing } from './listing.js';
import type { SqliteLedger } from './record/ledger.js';
import type { SqliteNetworks } from './networks.js';
import type { SqliteJournal } from './record/journal.js';
import type { SqliteTrends } from './record/trends.js';
import { ABOVE_SQL, DROP_REPLACED_SQL } from '../database/schema.js';
import { idOf, numberOf, packAuthorities, packHash, packId, sessionOf } from '../database/values.js';

type Entered = Extract<JournalEntry, { readonly kind: 'login' | 'regenerated' }>;

export class SqliteSessions implements InOneThread<SessionsGroup> {
  readonly #insert;
  readonly #find;
  readonly #findByToken;
  readonly #findByReplaced;
  readonly #touch;
  readonly #replaceToken;
  readonly #learnAddress;
  readonly #keepReplaced;
  readonly #dropEarlier;
  readonly #dropReplaced;
  readonly #evictable;
  readonly #evictableOfNetwork;
  readonly #above;
  readonly #ids;
  readonly #mark;
  readonly #undo;
  readonly #release;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
    private readonly networks: SqliteNetworks,
    private readonly data: SqliteData,
    private readonly budgets: SqliteBudgets,
    private readonly journal: SqliteJournal,
    private readonly trends: SqliteTrends,
    private readonly listing: SqliteListing,
  ) {
    this.#insert = db.prepare(`
      INSERT INTO sessions (
        id, token_hash, change, ip_address, user_agent, network, created_at, last_activity_at, expires_at, idle_ms)
      VALUES (
        :id, :tokenHash, :change, :ipAddress, :userAgent, :network, :createdAt, :createdAt, :expiresAt, :idleMs)`);
    this.#find = db.prepare('SELECT * FROM sessions WHERE id = :id');
    this.#findByToken = db.prepare('SELECT * FROM sessions WHERE token_hash = :tokenHash');
    this.#findByReplaced = db.prepare(`
      SELECT sessions.*, replaced_tokens.replaced_at
      FROM replaced_tokens JOIN sessions ON sessions.key = replaced_tokens.session_key
      WHERE replaced_tokens.token_hash = :tokenHash`);
    this.#touch = db.prepare(`
      UPDATE sessions SET
        last_activity_at = max(last_activity_at, min(:at, expires_at)),
        request_count = request_count + :requests,
        confirmed = max(confirmed, :requests > 0)
      WHERE id = :id AND state = 'open'`);
    this.#replaceToken = db.prepare(`
      UPDATE sessions SET token_hash = :tokenHash, kept_authorities = :kept, user_id = :userId,
        logged_in_at = :loggedInAt, expires_at = :expiresAt, idle_ms = :idleMs, remembered = :remembered, change = :change,
        user_hash = ifnull(:userHash, user_hash)
      WHERE id = :id`);
    this.#learnAddress = db.prepare(
      'UPDATE sessions SET other_address = :ipAddress, change = :change WHERE id = :id',
    );
    this.#keepReplaced = db.prepare(`
      INSERT INTO replaced_tokens (token_hash, session_key, replaced_at)
      SELECT token_hash, key, :at FROM sessions WHERE id = :id RETURNING session_key`);
    this.#dropEarlier = db.prepare(`
      DELETE FROM replaced_tokens WHERE session_key = :key AND key <= (
        SELECT key FROM replaced_tokens WHERE session_key = :key ORDER BY key DESC LIMIT 1 OFFSET ${MOST_REPLACED})`);
    this.#dropReplaced = db.prepare(DROP_REPLACED_SQL);
    this.#evictable = db.prepare(evictableSql(''));
    this.#evictableOfNetwork = db.prepare(evictableSql('AND network = :network'));
    this.#above = db.prepare(ABOVE_SQL);
    this.#ids = db.prepare(
      'SELECT id FROM sessions WHERE id BETWEEN :first AND :last ORDER BY id LIMIT :limit',
    );
    this.#mark = db.prepare('SAVEPOINT probe');
    this.#undo = db.prepare('ROLLBACK TO probe');
    this.#release = db.prepare('RELEASE probe');
  }

  open(session: NewSession, limits: OpeningLimits, note?: DeedNote | null): 'opened' | RefusedOpening {
    const known = this.find(session.id);
    if (known !== null) {
      if (known.tokenHash === session.tokenHash) return 'opened';
      throw new SessionsError(
        'INVALID_ARGUMENT',
        'Another session already has this id: use a new random UUID',
      );
    }
    const admission = this.networks.admit(limits.network, session.createdAt);
    if (admission.refused !== null) return admission.refused;
    if (this.#isNetworkFull(limits.network)) return 'network-full';
    const change = this.ledger.admit(session.createdAt, limits.maxSessions);
    if (change === null) return 'full';
    const { lastInsertRowid: key } = this.#insert.run({
      ...session,
      id: packId(session.id),
      tokenHash: packHash(session.tokenHash),
      network: limits.network?.key ?? null,
      change,
    });
    if (note) this.journal.begin(Number(key), { kind: 'opened', at: session.createdAt, by: note.by });
    // Last: what fails above is undone, and must not be counted.
    this.networks.keep(admission);
    this.trends.count(session.createdAt, { opened: 1 });
    return 'opened';
  }

  probe(): void {
    this.#mark.run();
    const mark = this.trends.mark();
    this.open(probeSession(), { maxSessions: Number.MAX_SAFE_INTEGER, network: null });
    this.#undo.run();
    this.#release.run();
    this.trends.undo(mark);
    // What is undone reaches no disk: a row is written again.
    this.ledger.rewrite();
  }

  find(sessionId: string): SessionRecord | null {
    const row = this.#find.get({ id: packId(sessionId) });
    return row === undefined ? null : sessionOf(row);
  }

  findByToken(tokenHash: string): TokenMatch | null {
    const key = { tokenHash: packHash(tokenHash) };
    const current = this.#findByToken.get(key);
    if (current !== undefined) return { session: sessionOf(current), current: true, replacedAt: null };
    const replaced = this.#findByReplaced.get(key);
    if (replaced === undefined) return null;
    return { session: sessionOf(replaced), current: false, replacedAt: numberOf(replaced, 'replaced_at') };
  }

  touch(touches: readonly Touch[]): void {
    let newest = -Infinity;
    for (const { sessionId, at, requests } of touches) {
      this.#touch.run({ id: packId(sessionId), at, requests });
      newest = Math.max(newest, at);
    }
    if (touches.length > 0) this.ledger.see(newest);
  }

  #isNetworkFull(network: NetworkLimits | null): boolean {
    if (!network?.maxSessions) return false;
    return this.budgets.sessionsOfNetwork(network.key) >= network.maxSessions;
  }

  login(
    sessionId: string,
    authority: Authority | null,
    login: NewLogin,
  ): 'done' | 'taken' | 'full' | Refused {
    const session = this.find(sessionId);
    if (session?.state !== 'open') return 'gone';
    if (session.tokenHash === login.tokenHash) return session.userId === login.userId ? 'done' : 'stale';
    if (isReplaced(session, authority)) return 'stale';
    if (session.userId !== null && session.userId !== login.userId) return 'taken';
    if (login.maxSessions && session.userId === null) {
      if (this.budgets.ofUser(login.userId).sessions >= login.maxSessions) return 'full';
    }
    const { userId, at: loggedInAt, expiresAt = session.expiresAt, idleMs = session.idleMs } = login;
    const { remembered = false, note } = login;
    const entry: Entered | null = note ? { kind: 'login', at: loggedInAt, ...note } : null;
    const answer = this.#replace(
      { ...session, userId, loggedInAt, expiresAt, idleMs, remembered },
      login,
      entry,
    );
    if (answer !== 'done') return answer;
    if (login.dropsData) this.data.clear(sessionId);
    this.trends.count(loggedInAt, { logins: 1 });
    return 'done';
  }

  regenerate(sessionId: string, authority: Authority | null, token: NewToken): 'done' | Refused {
    const session = this.find(sessionId);
    if (session?.state !== 'open') return 'gone';
    if (session.tokenHash === token.tokenHash) return 'done';
    const { at, note } = token;
    const entry: Entered | null = note ? { kind: 'regenerated', at, by: note.by } : null;
    return isReplaced(session, authority) ? 'stale' : this.#replace(session, token, entry);
  }

  learnAddress(
    sessionId: string,
    authority: Authority | null,
    ipAddress: string,
  ): 'done' | 'taken' | Refused {
    const session = this.find(sessionId);
    if (session?.state !== 'open') return 'gone';
    if (isReplaced(session, authority)) return 'stale';
    if (session.otherAddress !== null) return session.otherAddress === ipAddress ? 'done' : 'taken';
    this.#learnAddress.run({ id: packId(sessionId), ipAddress, change: this.ledger.stamp() });
    return 'done';
  }

  /** `session`: as it is afterwards, but with the replaced token. */
  #replace(
    session: SessionRecord,
    { tokenHash, at, keepsAuthority }: NewToken,
    entry: Entered | null,
  ): 'done' | Refused {
    const { id, userId, loggedInAt, expiresAt, idleMs, remembered } = session;
    const holder = this.findByToken(tokenHash)?.session;
    // The session had this token already: a repeat that comes late.
    if (holder?.id === id) return 'stale';
    if (holder !== undefined) {
      throw new SessionsError(
        'INVALID_ARGUMENT',
        'Another session already has this token: use a new random one',
      );
    }
    this.#dropReplaced.run({ before: at - REPLACED_MS });
    const key = numberOf(this.#keepReplaced.get({ id: packId(id), at }) ?? {}, 'session_key');
    this.#dropEarlier.run({ key });
    this.#replaceToken.run({
      id: packId(id),
      tokenHash: packHash(tokenHash),
      kept: packAuthorities(keepsAuthority ? keptWith(session) : []),
      userId,
      loggedInAt,
      expiresAt,
      idleMs,
      remembered: Number(remembered),
      userHash: entry?.kind === 'login' ? entry.userHash : null,
      change: this.ledger.stamp(),
    });
    if (entry !== null) this.journal.enter(key, [entry]);
    this.ledger.see(at);
    return 'done';
  }

  findEvictable(limit: number, network?: string | null): SessionRecord[] {
    const rows = network ? this.#evictableOfNetwork.all({ limit, network }) : this.#evictable.all({ limit });
    return rows.map(sessionOf);
  }

  forgetNetworks(at: number): number {
    return this.networks.forget(at);
  }

  findAbove({ files, bytes, streams }: UsageBound, limit: number): string[] {
    return this.#above.all({ files, bytes, streams, most: limit }).map((row) => idOf(row, 'id'));
  }

  findIds(prefix: string, limit: number): string[] {
    const range = idsFrom(prefix);
    if (range === null) return [];
    const [first, last] = [packId(range.first), packId(range.last)];
    return this.#ids.all({ first, last, limit }).map((row) => idOf(row, 'id'));
  }

  list(query: SessionQuery): SessionSlice {
    return this.listing.list(query);
  }
}

function probeSession(): NewSession {
  const times = { createdAt: 0, expiresAt: 0, idleMs: 0 };
  return { id: randomUUID(), tokenHash: randomUUID(), ipAddress: '', userAgent: '', ...times };
}

function evictableSql(condition: string): string {
  return `
    SELECT * FROM sessions WHERE state = 'open' AND eviction_rank IS NOT NULL ${condition}
    ORDER BY eviction_rank, last_activity_at, id LIMIT :limit`;
}
