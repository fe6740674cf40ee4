import { LRUCache } from 'lru-cache';
import type { Clock } from '../../ports/clock.js';
import type { SessionChange } from '../../ports/store/session-store.js';
import { authorityOf, type SessionRecord } from '../../domain/session.js';

/** A hit is valid this long after a read of the feed began, so that ends by other processes are seen within a second. */
export const TRUSTED_FOR_MS = 750;
const MAX_SESSIONS = 20_000;
/** Sessions whose end is announced even if the feed cannot report it: the latest that this process opened or read. */
const MAX_KNOWN = 50_000;

/** A live session in the cache, without its counts and resources. */
export interface CachedSession {
  record: SessionRecord;
  lastActivityAt: number;
  confirmed: boolean;
}

/**
 * Caches live sessions by the hash of their token, so that most requests do not read the store. It can confirm a session,
 * never reject one: after a miss, or a hit that looks over, the caller reads the store.
 */
export class SessionCache {
  private readonly byToken = new LRUCache<string, CachedSession>({
    max: MAX_SESSIONS,
    dispose: ({ record }) => this.forgetToken(record),
  });
  private readonly tokenOf = new Map<string, string>();
  private readonly users = new LRUCache<string, { readonly userId: string | null }>({ max: MAX_KNOWN });
  private readonly fills = new Set<Set<string>>();
  private feedReadAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly enabled: boolean,
  ) {}

  /** The cached session of this token; `undefined` also if the last read of the feed is too old to trust it. */
  get(tokenHash: string): CachedSession | undefined {
    if (this.clock.monotonic() - this.feedReadAt > TRUSTED_FOR_MS) return undefined;
    return this.byToken.get(tokenHash);
  }

  /** The same by the session's id. */
  getById(sessionId: string): CachedSession | undefined {
    const tokenHash = this.tokenOf.get(sessionId);
    return tokenHash === undefined ? undefined : this.get(tokenHash);
  }

  /** What is known of the session of this token, also if it is too old to trust that the session is still open. */
  peek(tokenHash: string): CachedSession | undefined {
    return this.byToken.peek(tokenHash);
  }

  /** Reads a session from the store and caches it, unless a change arrives during the read. */
  async fill(read: () => Promise<SessionRecord | null>): Promise<SessionRecord | null> {
    const changed = new Set<string>();
    this.fills.add(changed);
    try {
      const record = await read();
      const isUntouched = this.fills.has(changed) && !changed.has(record?.id ?? '');
      if (record?.state === 'open' && isUntouched) this.add(record);
      return record;
    } finally {
      this.fills.delete(changed);
    }
  }

  /** Drops an open session, unless it still has the token of this authority. */
  keepOnly({ id, authority }: Pick<SessionChange, 'id' | 'authority'>): void {
    this.discardFills(id);
    const tokenHash = this.tokenOf.get(id);
    if (tokenHash !== undefined && authorityOf(tokenHash) !== authority) this.byToken.delete(tokenHash);
  }

  /** Drops an open session, unless it is known with this address: another process may have learnt one. */
  keepWithAddress({ id, otherAddress }: Pick<SessionChange, 'id' | 'otherAddress'>): void {
    const tokenHash = this.tokenOf.get(id);
    const cached = tokenHash === undefined ? undefined : this.byToken.peek(tokenHash);
    if (cached && cached.record.otherAddress !== otherAddress) this.byToken.delete(cached.record.tokenHash);
  }

  /** Drops a session that is over. */
  forget(sessionId: string): void {
    this.discardFills(sessionId);
    this.users.delete(sessionId);
    const tokenHash = this.tokenOf.get(sessionId);
    if (tokenHash !== undefined) this.byToken.delete(tokenHash);
  }

  /** Remembers a session that this process opened: it is known, though not cached. */
  know(sessionId: string, userId: string | null): void {
    this.users.set(sessionId, { userId });
  }

  /** Open sessions that this process opened or read, and their users then: cached or not, also if nothing is cached. */
  get known(): [sessionId: string, userId: string | null][] {
    return [...this.users.entries()].map(([sessionId, { userId }]) => [sessionId, userId]);
  }

  /** Records that a read which began at `startedAt` (monotonic) reached the end of the feed. */
  feedRead(startedAt: number): void {
    this.feedReadAt = startedAt;
  }

  /** The user of a known session; `null` for none, or if the session is not known. */
  userOf(sessionId: string): string | null {
    return this.users.peek(sessionId)?.userId ?? null;
  }

  /** Drops all cached sessions, and discards fills under way. The sessions stay known. */
  clear(): void {
    this.fills.clear();
    this.byToken.clear();
    this.feedReadAt = Number.NEGATIVE_INFINITY;
  }

  private discardFills(sessionId: string): void {
    for (const changed of this.fills) changed.add(sessionId);
  }

  private add(record: SessionRecord): void {
    this.know(record.id, record.userId);
    if (!this.enabled) return;
    const formerToken = this.tokenOf.get(record.id);
    if (formerToken !== undefined && formerToken !== record.tokenHash) this.byToken.delete(formerToken);
    const known = this.byToken.peek(record.tokenHash);
    this.byToken.set(record.tokenHash, {
      record,
      lastActivityAt: Math.max(record.lastActivityAt, known?.lastActivityAt ?? 0),
      confirmed: record.confirmed || (known?.confirmed ?? false),
    });
    this.tokenOf.set(record.id, record.tokenHash);
  }

  private forgetToken(record: SessionRecord): void {
    if (this.tokenOf.get(record.id) === record.tokenHash) this.tokenOf.delete(record.id);
  }
}
