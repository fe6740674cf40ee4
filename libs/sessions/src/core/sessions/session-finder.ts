import { findMismatch, type Client, type Mismatch } from '../../domain/binding.js';
import { SessionsError } from '../../domain/errors.js';
import { whyOver } from '../../domain/lifetime.js';
import { REPLACED_MS, type EndReason, type SessionRecord } from '../../domain/session.js';
import type { CoreContext } from '../process/context.js';
import type { Ender } from '../endings/ender.js';
import { SILENT_AFTER_MS } from '../process/this-process.js';
import { TRUSTED_FOR_MS, type CachedSession } from '../process/session-cache.js';
import type { Session } from '../handles/session.js';
import { SessionToken } from '../handles/session-token.js';

/** Pause between checks whether another process has unflushed touches of a session that looks idle. */
const HORIZON_RETRY_MS = 250;
/** A process that does not flush is waited for until it counts as dead. */
const HORIZON_RETRIES = Math.ceil(SILENT_AFTER_MS / HORIZON_RETRY_MS);

/**
 * Look-ups of a token while the answers come too late to be trusted. Redis calls time out sooner than that, so only a
 * process that was itself suspended repeats them: an outage costs a request one timeout.
 */
const FRESH_TRIES = 4;

/** The result of looking up a token. */
export type Finding =
  | { readonly kind: 'live'; readonly record: SessionRecord }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ended' }
  /** A parallel request has just replaced the token, and sends the new one to the client. */
  | { readonly kind: 'replaced' }
  | { readonly kind: 'mismatch'; readonly record: SessionRecord; readonly property: Mismatch };

/** Finds the session of a token, and checks its lifetime and binding each time. */
export class SessionFinder {
  constructor(
    private readonly context: CoreContext,
    private readonly ender: Ender,
  ) {}

  /** Synchronous if the cache has a valid session, as for most requests. */
  identify(text: string, client: Client): Finding | Promise<Finding> {
    const token = SessionToken.parse(text);
    if (!token) return { kind: 'unknown' };
    const cached = this.context.cache.get(token.hash);
    const record = cached && this.withOwnTouches(cached.record, cached);
    if (record && this.isValid(record, client)) return { kind: 'live', record };
    return this.findInStore(token.hash, client);
  }

  /** Records one request of a session; answers its instant. */
  touch(sessionId: string, tokenHash: string): number {
    const now = this.context.clock.now();
    this.context.touches.add(sessionId, now, 1);
    const cached = this.context.cache.get(tokenHash);
    if (!cached) return now;
    cached.lastActivityAt = now;
    cached.confirmed = true;
    return now;
  }

  /** Records that the cookie has come back, which is no activity; the request is counted. */
  confirm(session: Session, tokenHash: string): void {
    this.context.touches.add(session.id, session.lastActivityAt, 1);
    const cached = this.context.cache.get(tokenHash);
    if (cached) cached.confirmed = true;
  }

  /** Whether a session is within its limits, by its record and what this process knows: a cleanup may be late. */
  isLive(record: SessionRecord): boolean {
    const known = this.withOwnTouches(record, this.context.cache.peek(record.tokenHash));
    return record.state === 'open' && whyOver(known, this.context.clock.now()) === null;
  }

  /** The same of a session by its id. Reads the store only if this process does not have the session cached. */
  async isLiveNow(sessionId: string): Promise<boolean> {
    const cached = this.context.cache.getById(sessionId);
    if (cached && this.isLive(cached.record)) return true;
    const record = await this.context.store.sessions.find(sessionId);
    return record !== null && this.isLive(record);
  }

  private isValid(record: SessionRecord, client: Client): boolean {
    return (
      whyOver(record, this.context.clock.now()) === null &&
      findMismatch(record, client, this.context.config.binding) === null
    );
  }

  /** Judges idleness at the request's arrival, so that waiting for another process does not make the request late. */
  private async findInStore(tokenHash: string, client: Client): Promise<Finding> {
    const arrivedAt = this.context.clock.now();
    const releaseHold = this.context.touches.holdFlushedThrough(arrivedAt);
    try {
      for (let tries = 0; ; tries += 1) {
        const read = await this.readFresh(tokenHash);
        if (read.kind !== 'live') return read;
        const { record } = read;
        const over = this.whyOver(record, arrivedAt);
        if (over === null) return this.checkBinding(record, client, tries > 0);
        const isCertain =
          over === 'expired' || tries >= HORIZON_RETRIES || (await this.isIdleEverywhere(record));
        if (!isCertain) await new Promise((resolve) => setTimeout(resolve, HORIZON_RETRY_MS));
        else if ((await this.endOver(record, over)) || tries >= HORIZON_RETRIES) return { kind: 'ended' };
      }
    } finally {
      releaseHold();
    }
  }

  private whyOver(record: SessionRecord, arrivedAt: number): ReturnType<typeof whyOver> {
    return whyOver(record, this.context.clock.now()) === 'expired' ? 'expired' : whyOver(record, arrivedAt);
  }

  /** `false` if it was touched or ended after it was read: the caller reads it again. */
  private async endOver(record: SessionRecord, over: EndReason): Promise<boolean> {
    if (!this.context.clockTrust.isTrusted) return true;
    return (await this.ender.endIfStill(record, over)) !== null;
  }

  /** An answer that took long, because the process was suspended or the store is slow, may be outdated: look up again. */
  private async readFresh(tokenHash: string): Promise<Exclude<Finding, { kind: 'mismatch' }>> {
    for (let tries = 0; tries < FRESH_TRIES; tries += 1) {
      const askedAt = this.context.clock.monotonic();
      const read = await this.readByToken(tokenHash);
      if (read.kind !== 'live' || this.context.clock.monotonic() - askedAt <= TRUSTED_FOR_MS) return read;
    }
    throw new SessionsError('STORE_UNAVAILABLE', 'The session store answers too slowly; try again.', {
      retryAfterSeconds: 1,
    });
  }

  private async readByToken(tokenHash: string): Promise<Exclude<Finding, { kind: 'mismatch' }>> {
    let answer: Exclude<Finding, { kind: 'mismatch' }> = { kind: 'unknown' };
    await this.context.cache.fill(async () => {
      const match = await this.context.store.sessions.findByToken(tokenHash);
      if (!match) return null;
      const { session, current, replacedAt } = match;
      // A replaced token, also of a session that has ended since: the client may have a new one, by a login that restarted.
      if (!current) answer = { kind: this.isRecent(replacedAt) ? 'replaced' : 'unknown' };
      else if (session.state !== 'open') answer = { kind: 'ended' };
      else answer = { kind: 'live', record: this.withOwnTouches(session) };
      return current ? session : null;
    });
    return answer;
  }

  private isRecent(replacedAt: number | null): boolean {
    return replacedAt !== null && this.context.clock.now() - replacedAt < REPLACED_MS;
  }

  private checkBinding(record: SessionRecord, client: Client, hasWaited: boolean): Finding {
    const property = findMismatch(record, client, this.context.config.binding);
    if (property) return { kind: 'mismatch', record, property };
    // Other processes may judge it idle by now: record the activity before they check again.
    if (hasWaited) this.context.touches.add(record.id, this.context.clock.now(), 0);
    return { kind: 'live', record };
  }

  /** Another process may have unflushed touches, so idleness is judged at the instant up to which all have flushed. */
  private async isIdleEverywhere(record: SessionRecord): Promise<boolean> {
    return whyOver(record, await this.context.thisProcess.idleHorizon()) !== null;
  }

  private withOwnTouches(record: SessionRecord, cached?: CachedSession): SessionRecord {
    const pending = this.context.touches.pendingOf(record.id);
    const lastActivityAt = Math.max(record.lastActivityAt, cached?.lastActivityAt ?? 0, pending?.at ?? 0);
    const confirmed =
      record.confirmed || cached?.confirmed || (pending !== undefined && pending.requests > 0);
    return { ...record, lastActivityAt, confirmed };
  }
}
