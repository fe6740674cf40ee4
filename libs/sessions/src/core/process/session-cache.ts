import { LRUCache } from 'lru-cache';
import type { Clock } from '../../ports/clock.js';
import type { SessionChange } from '../../ports/session-store.js';
import type { SessionRecord } from '../../domain/session.js';

/** A hit counts only while the feed of changes was read so lately: then no other process's end is missed for a second. */
export const TRUSTED_FOR_MS = 750;
const MAX_SESSIONS = 20_000;

/** A live session as this process remembers it. Its counts and resources are not remembered. */
export interface CachedSession {
  record: SessionRecord;
  lastActivityAt: number;
  confirmed: boolean;
}

/**
 * Live sessions by the hash of their token, so that a request need not ask the store. It may say yes, never no: who
 * finds nothing here, or something that looks over, asks the store.
 */
export class SessionCache {
  private readonly byToken = new LRUCache<string, CachedSession>({
    max: MAX_SESSIONS,
    dispose: ({ record }) => this.forgetToken(record),
  });
  private readonly tokenOf = new Map<string, string>();
  private readonly fills = new Set<Set<string>>();
  private feedReadAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly enabled: boolean,
  ) {}

  /** The session of this token, if it is remembered and nothing can have happened to it unseen. */
  get(tokenHash: string): CachedSession | undefined {
    if (this.clock.monotonic() - this.feedReadAt > TRUSTED_FOR_MS) return undefined;
    return this.byToken.get(tokenHash);
  }

  /** Reads a session from the store and remembers it, unless it was changed while it was being read. */
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

  /** Takes in one change, made here or read from the feed. */
  apply(change: Pick<SessionChange, 'id' | 'state' | 'epoch' | 'userId'>): void {
    for (const changed of this.fills) changed.add(change.id);
    const tokenHash = this.tokenOf.get(change.id);
    const known = tokenHash === undefined ? undefined : this.byToken.peek(tokenHash);
    if (tokenHash === undefined || !known) return;
    const { record } = known;
    if (change.state !== 'open' || change.epoch !== record.epoch || change.userId !== record.userId) {
      this.byToken.delete(tokenHash);
    }
  }

  /** Says that the feed was read whole by a read that began at `startedAt`, by the monotonic clock. */
  feedRead(startedAt: number): void {
    this.feedReadAt = startedAt;
  }

  /** Forgets everything, what is being read just now too. */
  clear(): void {
    this.fills.clear();
    this.byToken.clear();
    this.feedReadAt = Number.NEGATIVE_INFINITY;
  }

  private add(record: SessionRecord): void {
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
