import { findMismatch, type Client, type Mismatch } from '../../domain/binding.js';
import { SessionsError } from '../../domain/errors.js';
import { whyOver } from '../../domain/lifetime.js';
import type { SessionRecord } from '../../domain/session.js';
import type { CoreContext } from '../process/context.js';
import type { Ender } from '../endings/ender.js';
import { SILENT_AFTER_MS } from '../process/this-process.js';
import { TRUSTED_FOR_MS, type CachedSession } from '../process/session-cache.js';
import { SessionToken } from '../handles/session-token.js';

/** For so long a token that was just replaced opens no new session: the parallel requests that carried it go without. */
const REPLACED_GRACE_MS = 30_000;
/** How often, and how many times, other processes are asked for the touches they may hold of a session that looks idle. */
const HORIZON_RETRY_MS = 250;
/** One that does not answer, for it is stopped, is waited for until it is taken for dead. */
const HORIZON_RETRIES = Math.ceil(SILENT_AFTER_MS / HORIZON_RETRY_MS);

/**
 * How often a token is looked up whose answer comes too late to be believed. A store that gives up sooner than that, as
 * Redis' does, is asked again only by a process that was itself stopped: its outage costs a request one wait.
 */
const FRESH_TRIES = 4;

/** What a presented token turned out to be. */
export type Finding =
  | { readonly kind: 'live'; readonly record: SessionRecord }
  | { readonly kind: 'unknown' }
  /** Its session is over. */
  | { readonly kind: 'ended' }
  /** It was replaced a moment ago; the new one is on its way to the client. */
  | { readonly kind: 'replaced' }
  | { readonly kind: 'mismatch'; readonly record: SessionRecord; readonly property: Mismatch };

/** Tells what session a token stands for, if any. Both limits and the binding are checked each time. */
export class SessionFinder {
  constructor(
    private readonly context: CoreContext,
    private readonly ender: Ender,
  ) {}

  /** At once, without a promise, where the session is remembered and fine: that is most requests. */
  identify(text: string, client: Client): Finding | Promise<Finding> {
    const token = SessionToken.parse(text);
    if (!token) return { kind: 'unknown' };
    const cached = this.context.cache.get(token.hash);
    const record = cached && this.withOwnTouches(cached.record, cached);
    if (record && this.isFine(record, client)) return { kind: 'live', record };
    return this.findInStore(token.hash, client);
  }

  /** Notes one request of a session. */
  touch(sessionId: string, tokenHash: string): void {
    const now = this.context.clock.now();
    this.context.touches.add(sessionId, now, 1);
    const cached = this.context.cache.get(tokenHash);
    if (!cached) return;
    cached.lastActivityAt = now;
    cached.confirmed = true;
  }

  private isFine(record: SessionRecord, client: Client): boolean {
    return (
      whyOver(record, this.context.clock.now()) === null &&
      findMismatch(record, client, this.context.config.binding) === null
    );
  }

  /** Idle is judged by when the request came: then it was in time, however long it has to wait for another process. */
  private async findInStore(tokenHash: string, client: Client): Promise<Finding> {
    const arrivedAt = this.context.clock.now();
    const decided = this.context.touches.hold(arrivedAt);
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
      decided();
    }
  }

  private whyOver(record: SessionRecord, arrivedAt: number): 'idle' | 'expired' | null {
    return this.context.clock.now() >= record.expiresAt ? 'expired' : whyOver(record, arrivedAt);
  }

  /** `false` where it was touched since it was read, or ended by another: then it is to be read again. */
  private async endOver(record: SessionRecord, over: 'idle' | 'expired'): Promise<boolean> {
    if (this.context.clockTrust.lasts) return true;
    const options = over === 'idle' ? { only: { lastActivityAt: record.lastActivityAt } } : {};
    return (await this.ender.end(record.id, over, options)) !== null;
  }

  /** An answer that was long on its way, to a process that was stopped or a store that hardly moves, may be untrue by now. */
  private async readFresh(tokenHash: string): Promise<Exclude<Finding, { kind: 'mismatch' }>> {
    for (let tries = 0; tries < FRESH_TRIES; tries += 1) {
      const askedAt = this.context.clock.monotonic();
      const read = await this.readByToken(tokenHash);
      if (read.kind !== 'live' || this.context.clock.monotonic() - askedAt <= TRUSTED_FOR_MS) return read;
    }
    throw new SessionsError('STORE_UNAVAILABLE', 'The session store answers too late; try again.', {
      retryAfterSeconds: 1,
    });
  }

  private async readByToken(tokenHash: string): Promise<Exclude<Finding, { kind: 'mismatch' }>> {
    let answer: Exclude<Finding, { kind: 'mismatch' }> = { kind: 'unknown' };
    await this.context.cache.fill(async () => {
      const match = await this.context.store.sessions.findByToken(tokenHash);
      if (!match) return null;
      if (match.session.state !== 'open') answer = { kind: 'ended' };
      else if (match.current) answer = { kind: 'live', record: this.withOwnTouches(match.session) };
      else if (this.context.clock.now() - (match.replacedAt ?? 0) < REPLACED_GRACE_MS)
        answer = { kind: 'replaced' };
      return match.current ? match.session : null;
    });
    return answer;
  }

  private checkBinding(record: SessionRecord, client: Client, hasWaited: boolean): Finding {
    const property = findMismatch(record, client, this.context.config.binding);
    if (property) return { kind: 'mismatch', record, property };
    // By now it may look idle to everybody else: that it is not must be noted before they may judge again.
    if (hasWaited) this.context.touches.add(record.id, this.context.clock.now(), 0);
    return { kind: 'live', record };
  }

  /** Another process may hold touches that are not in the store yet: idle is who was idle before the horizon. */
  private async isIdleEverywhere(record: SessionRecord): Promise<boolean> {
    return whyOver(record, await this.context.thisProcess.idleHorizon()) !== null;
  }

  private withOwnTouches(record: SessionRecord, cached?: CachedSession): SessionRecord {
    const noted = this.context.touches.noted(record.id);
    const lastActivityAt = Math.max(record.lastActivityAt, cached?.lastActivityAt ?? 0, noted?.at ?? 0);
    const confirmed = record.confirmed || cached?.confirmed || (noted !== undefined && noted.requests > 0);
    return { ...record, lastActivityAt, confirmed };
  }
}
