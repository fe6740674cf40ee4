import { familyOf, judgeClient, mayUse, type Client, type Fit, type Mismatch } from '../../domain/binding.js';
import { SessionsError } from '../../domain/errors.js';
import { whyOver } from '../../domain/lifetime.js';
import { authorityOf, REPLACED_MS, type EndReason, type SessionRecord } from '../../domain/session.js';
import { CLIENT } from '../handles/actor-of.js';
import type { CoreContext } from '../process/context.js';
import type { Ender } from '../endings/ender.js';
import { SILENT_AFTER_MS } from '../process/this-process.js';
import { TRUSTED_FOR_MS, type CachedSession } from '../process/session-cache.js';
import type { Session } from '../handles/session.js';
import type { TokenUse } from '../tokens/token-codec.js';
import type { SessionToken } from '../tokens/session-token.js';

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
  | LiveSession
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ended' }
  /** A parallel request has just replaced the token, and sends the new one to the client. */
  | { readonly kind: 'replaced' }
  | { readonly kind: 'mismatch'; readonly record: SessionRecord; readonly property: Mismatch };

interface LiveSession {
  readonly kind: 'live';
  readonly record: SessionRecord;
  /** A media player of the client's system presents the token: it may read, and gets no token. */
  readonly isPlayer?: boolean;
  /** The client fits if the session learns its address, which `compare` and `glance` leave undone. */
  readonly hasToLearn?: boolean;
}

/**
 * `learn`: records an address that the session has to learn. `compare`: changes nothing, for one of several tokens. `glance`: nor
 * asks the store whether a cached session does not fit, which may be wrong for a second after another process learnt an address.
 */
export type LookUp = 'learn' | 'compare' | 'glance';

/** What the store knows of a token, before the client is compared. */
type Read = Exclude<Finding, { kind: 'mismatch' }>;

/** Finds the session of a token, and checks its lifetime and binding each time. */
export class SessionFinder {
  constructor(
    private readonly context: CoreContext,
    private readonly ender: Ender,
  ) {}

  /**
   * `onlyReads`: GET or HEAD. Synchronous if the cache has a valid session, as for most requests.
   * @throws SessionsError `TOKEN_KEY_MISSING`, `STORE_UNAVAILABLE`
   */
  identify(
    text: string,
    client: Client,
    onlyReads = false,
    lookUp: LookUp = 'learn',
    use: TokenUse = 'cookie',
  ): Finding | Promise<Finding> {
    const token = this.context.tokens.open(text, use);
    if (!token) return { kind: 'unknown' };
    const known = this.judgeCached(token, client, onlyReads);
    const isEnough = known && (lookUp === 'glance' || (known.kind === 'live' && !known.hasToLearn));
    return isEnough ? known : this.findInStore(token, client, onlyReads, lookUp);
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

  /** `null` if the store has to be asked. */
  private judgeCached(token: SessionToken, client: Client, onlyReads: boolean): Finding | null {
    const cached = this.context.cache.get(token.hash);
    if (!cached || !token.mayBeOf(cached.record.id)) return null;
    const record = this.withOwnTouches(cached.record, cached);
    const now = this.context.clock.now();
    if (whyOver(record, now) !== null) return null;
    const fit = judgeClient(record, client, this.context.config.binding, now, onlyReads);
    return asFinding(record, fit);
  }

  /** Judges idleness at the request's arrival, so that waiting for another process does not make the request late. */
  private async findInStore(
    token: SessionToken,
    client: Client,
    onlyReads: boolean,
    lookUp: LookUp,
  ): Promise<Finding> {
    const arrivedAt = this.context.clock.now();
    const releaseHold = this.context.touches.holdFlushedThrough(arrivedAt);
    try {
      for (let tries = 0; ; tries += 1) {
        const read = await this.readFresh(token);
        if (read.kind !== 'live') return read;
        const { record } = read;
        const over = this.whyOver(record, arrivedAt);
        if (over === null) {
          const found = this.checkBinding(record, client, onlyReads, tries > 0);
          if (lookUp !== 'learn' || found.kind !== 'live' || !found.hasToLearn) return found;
          await this.learn(record, client.ipAddress);
          continue;
        }
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
    return (await this.ender.endIfStill(record, over, { by: CLIENT })) !== null;
  }

  /** An answer that took long, because the process was suspended or the store is slow, may be outdated: look up again. */
  private async readFresh(token: SessionToken): Promise<Read> {
    for (let tries = 0; tries < FRESH_TRIES; tries += 1) {
      const askedAt = this.context.clock.monotonic();
      const read = await this.readByToken(token);
      if (read.kind !== 'live' || this.context.clock.monotonic() - askedAt <= TRUSTED_FOR_MS) return read;
    }
    throw new SessionsError('STORE_UNAVAILABLE', 'The session store answers too slowly; try again.', {
      retryAfterSeconds: 1,
    });
  }

  private async readByToken(token: SessionToken): Promise<Read> {
    let answer: Read = { kind: 'unknown' };
    await this.context.cache.fill(async () => {
      const match = await this.context.store.sessions.findByToken(token.hash);
      // Whoever writes to the store can give a hash another session: a sealed token is good for its own alone.
      if (!match || !token.mayBeOf(match.session.id)) return null;
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

  private checkBinding(
    record: SessionRecord,
    client: Client,
    onlyReads: boolean,
    hasWaited: boolean,
  ): Finding {
    const { config, clock, touches } = this.context;
    const fit = judgeClient(record, client, config.binding, clock.now(), onlyReads);
    // Other processes may judge it idle by now: record the activity before they check again.
    if (hasWaited && mayUse(fit)) touches.add(record.id, clock.now(), 0);
    return asFinding(record, fit);
  }

  /** Whatever the store answers, its record says afterwards whether the client fits: another request may have been faster. */
  private async learn({ id, tokenHash }: SessionRecord, ipAddress: string): Promise<void> {
    const { store, events } = this.context;
    const answer = await store.sessions.learnAddress(id, authorityOf(tokenHash), ipAddress);
    const family = familyOf(ipAddress);
    if (answer === 'done' && family) events.emit('session.address-learnt', { sessionId: id, family });
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

function asFinding(record: SessionRecord, fit: Fit): Finding {
  switch (fit) {
    case 'same':
      return { kind: 'live', record };
    case 'learn':
      return { kind: 'live', record, hasToLearn: true };
    case 'player':
      return { kind: 'live', record, isPlayer: true };
    default:
      return { kind: 'mismatch', record, property: fit };
  }
}
