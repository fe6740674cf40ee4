import { SessionsError } from '../../domain/errors.js';
import { openingRecord, type NewSession, type SessionRecord } from '../../domain/session.js';
import type {
  Feed,
  FeedPosition,
  Refused,
  SessionQuery,
  TokenMatch,
  Touch,
} from '../../ports/session-store.js';
import { byInstant, NOBODY, type MemoryData, type SessionEntry } from './memory.data.js';

/** What happens to an open session: it begins, is found, touched, bound to a user, and gets a new token. */
export class MemorySessions {
  constructor(private readonly data: MemoryData) {}

  open(session: NewSession, maxSessions: number): 'opened' | 'full' {
    const known = this.data.sessions.get(session.id);
    if (known?.record.tokenHash === session.tokenHash) return 'opened';
    if (known !== undefined) throw taken();
    if (this.data.openCount >= maxSessions) return 'full';
    if (this.#isTokenTaken(session.tokenHash)) throw taken();
    const entry: SessionEntry = {
      record: openingRecord(session),
      change: 0,
      previousTokenHash: null,
      replacedAt: 0,
      parts: new Map(),
    };
    this.data.add(entry);
    this.data.stamp(entry);
    this.data.see(session.createdAt);
    return 'opened';
  }

  find(sessionId: string): SessionRecord | null {
    return this.data.sessions.get(sessionId)?.record ?? null;
  }

  findByToken(tokenHash: string): TokenMatch | null {
    const entry = this.data.byToken.get(tokenHash);
    if (entry === undefined) return null;
    const current = entry.record.tokenHash === tokenHash;
    return { session: entry.record, current, replacedAt: current ? null : entry.replacedAt };
  }

  touch(touches: readonly Touch[]): void {
    for (const { sessionId, at, requests } of touches) {
      this.data.see(at);
      const entry = this.data.openSession(sessionId);
      if (entry === null) continue;
      const { lastActivityAt, expiresAt, requestCount, confirmed } = entry.record;
      entry.record = {
        ...entry.record,
        lastActivityAt: Math.max(lastActivityAt, Math.min(at, expiresAt)),
        requestCount: requestCount + requests,
        confirmed: confirmed || requests > 0,
      };
    }
  }

  bindUser(sessionId: string, epoch: number, userId: string): 'bound' | Refused {
    const entry = this.data.openSession(sessionId);
    if (entry === null) return 'gone';
    if (entry.record.epoch !== epoch) return 'stale';
    if (entry.record.userId === userId) return 'bound';
    entry.record = { ...entry.record, userId };
    this.data.stamp(entry);
    return 'bound';
  }

  rotate(sessionId: string, epoch: number, tokenHash: string, at: number): 'rotated' | Refused {
    const entry = this.data.openSession(sessionId);
    if (entry === null) return 'gone';
    if (entry.record.epoch !== epoch) return 'stale';
    if (this.#isTokenTaken(tokenHash)) throw taken();
    this.data.retoken(entry, tokenHash, at);
    this.data.stamp(entry);
    this.data.see(at);
    return 'rotated';
  }

  list(query: SessionQuery): SessionRecord[] {
    const { limit, sort, userId, after } = query;
    const sign = sort.startsWith('-') ? -1 : 1;
    const instantOf = (session: SessionRecord): number =>
      sign * (sort.endsWith('created_at') ? session.createdAt : session.lastActivityAt);
    const isBeyond = (session: SessionRecord): boolean => {
      if (after === undefined) return true;
      const ahead = instantOf(session) - sign * after.instant;
      return ahead > 0 || (ahead === 0 && session.id > after.id);
    };
    return this.data
      .sessionsIn('open')
      .map((entry) => entry.record)
      .filter((session) => (userId === undefined || session.userId === userId) && isBeyond(session))
      .toSorted(byInstant(instantOf))
      .slice(0, limit);
  }

  readFeed(position: FeedPosition | null, limit: number): Feed {
    const { counter, sessions } = this.data;
    if (position === null) return { changes: [], position: String(counter), more: false };
    const since = Number(position);
    const news = [...sessions.values()]
      .filter((entry) => entry.change > since)
      .toSorted((a, b) => a.change - b.change);
    const read = news.slice(0, limit);
    return {
      changes: read.map(({ record: { id, state, endReason, epoch, userId }, parts }) => ({
        id,
        state,
        endReason,
        epoch,
        userId,
        nodes: [...parts.keys()].filter((nodeId) => nodeId !== NOBODY),
      })),
      position: String(read.at(-1)?.change ?? since),
      more: news.length > limit,
    };
  }

  #isTokenTaken(tokenHash: string): boolean {
    return this.findByToken(tokenHash)?.current === true;
  }
}

function taken(): SessionsError {
  return new SessionsError('INVALID_ARGUMENT', 'Another session has this id or this token: both are random');
}
