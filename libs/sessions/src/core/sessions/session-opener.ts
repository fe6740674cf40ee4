import { randomUUID } from 'node:crypto';
import type { Client } from '../../domain/binding.js';
import { SessionsError } from '../../domain/errors.js';
import type { RefusalReason } from '../../domain/events.js';
import { openingRecord, type NewSession } from '../../domain/session.js';
import { networkOf } from '../config/client-address.js';
import type { CoreContext } from '../process/context.js';
import type { Ender } from '../endings/ender.js';
import { OpeningsPerMinute } from './openings-per-minute.js';
import { Session } from '../handles/session.js';
import { SessionToken } from '../handles/session-token.js';

const MINUTE_MS = 60_000;
const MAX_EVICTED_AT_ONCE = 256;
const MAX_ATTEMPTS = 8;

export type Opening =
  | { readonly kind: 'opened'; readonly session: Session; readonly token: SessionToken }
  | {
      readonly kind: 'refused';
      readonly reason: Extract<RefusalReason, 'rate' | 'full'>;
      readonly retryAfterSeconds: number;
    };

/** The error for a caller that requires the session. */
export function openingError(refused: {
  readonly reason: 'rate' | 'full';
  readonly retryAfterSeconds?: number;
}): SessionsError {
  const { reason, retryAfterSeconds } = refused;
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return reason === 'rate'
    ? new SessionsError(
        'SESSION_RATE_LIMITED',
        'Your network has opened too many sessions (option openRate): retry later.',
        retry,
      )
    : new SessionsError(
        'SESSIONS_FULL',
        'The server has too many sessions (option maxSessions): retry later.',
        retry,
      );
}

/** Opens sessions, within `openRate` for each network and `maxSessions` for all. */
export class SessionOpener {
  private readonly openings = new OpeningsPerMinute();
  private eviction: { wanted: number; readonly done: Promise<boolean> } | null = null;

  constructor(
    private readonly context: CoreContext,
    private readonly ender: Ender,
  ) {}

  /** @throws SessionsError `STORE_UNAVAILABLE` */
  async open(client: Client): Promise<Opening> {
    const waitMs = this.admit(networkOf(client.ipAddress));
    if (waitMs > 0) return this.refuse('rate', waitMs);
    const id = randomUUID();
    const token = SessionToken.createFor(id);
    const now = this.context.clock.now();
    const session: NewSession = {
      id,
      tokenHash: token.hash,
      ...client,
      createdAt: now,
      expiresAt: now + this.context.config.maxDurationMs,
      idleMs: this.context.config.maxIdleMs,
    };
    if (!(await this.add(session))) return this.refuse('full', MINUTE_MS);
    this.context.events.emit('session.opened', { sessionId: id, at: now });
    return { kind: 'opened', token, session: new Session(openingRecord(session)) };
  }

  /** Counts an opening and returns 0, or returns the milliseconds until the network may open again. */
  private admit(network: string): number {
    if (this.context.config.openRate === 0) return 0;
    return this.openings.admit(network, this.context.config.openRate, this.context.clock.monotonic());
  }

  private async add(session: NewSession): Promise<boolean> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      if ((await this.context.store.sessions.open(session, this.context.config.maxSessions)) === 'opened')
        return true;
      if (!(await this.evictDisposable())) return false;
    }
    return false;
  }

  /**
   * At `maxSessions`, evicts the least recently used sessions with neither a resource nor a user. Concurrent openings
   * share one eviction: one by one they would compete for the same few. Answers whether there was any to evict.
   */
  private evictDisposable(): Promise<boolean> {
    this.eviction ??= { wanted: 0, done: this.evict() };
    this.eviction.wanted += 1;
    return this.eviction.done;
  }

  private async evict(): Promise<boolean> {
    // Stores answer concurrent calls in batches: other refused openings join within this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      const candidates = await this.context.store.sessions.findDisposable(
        Math.min(this.eviction?.wanted ?? 1, MAX_EVICTED_AT_ONCE),
      );
      await Promise.all(candidates.map((session) => this.ender.endIfStill(session, 'evicted')));
      return candidates.length > 0;
    } finally {
      this.eviction = null;
    }
  }

  private refuse(reason: 'rate' | 'full', waitMs: number): Opening {
    this.context.events.emit('session.refused', { reason });
    return { kind: 'refused', reason, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
  }
}
