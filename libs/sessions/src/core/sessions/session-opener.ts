import { randomUUID } from 'node:crypto';
import type { Client } from '../../domain/binding.js';
import type { RefusalReason } from '../../domain/events.js';
import { openingRecord, type NewSession } from '../../domain/session.js';
import { networkOf } from '../config/client-address.js';
import type { CoreContext } from '../process/context.js';
import type { Ender } from '../endings/ender.js';
import { OpeningsPerMinute } from './openings-per-minute.js';
import { Session } from '../handles/session.js';
import { SessionToken } from '../handles/session-token.js';

const MINUTE_MS = 60_000;
/** How many sessions make room at a time at most, and how often one that opens asks for it. */
const MOST_EVICTED = 256;
const ROUNDS = 8;

export type Opening =
  | { readonly kind: 'opened'; readonly session: Session; readonly token: SessionToken }
  | {
      readonly kind: 'refused';
      readonly reason: Extract<RefusalReason, 'rate' | 'full'>;
      readonly retryAfterSeconds: number;
    };

/** Opens sessions, as many as one network and the whole may have. */
export class SessionOpener {
  private readonly openings = new OpeningsPerMinute();
  private room: { wanted: number; readonly made: Promise<boolean> } | null = null;

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

  /** Milliseconds until this network may open again; 0, and one is counted, if it may now. */
  private admit(network: string): number {
    if (this.context.config.openRate === 0) return 0;
    return this.openings.admit(network, this.context.config.openRate, this.context.clock.monotonic());
  }

  private async add(session: NewSession): Promise<boolean> {
    for (let round = 0; round < ROUNDS; round += 1) {
      if ((await this.context.store.sessions.open(session, this.context.config.maxSessions)) === 'opened')
        return true;
      if (!(await this.makeRoom())) return false;
    }
    return false;
  }

  /**
   * Where all places are taken, the least recently used sessions with neither a resource nor a user make room. All that
   * open at the same time do so together: one by one they would fight over the same few. Whether there was one to go.
   */
  private makeRoom(): Promise<boolean> {
    this.room ??= { wanted: 0, made: this.evict() };
    this.room.wanted += 1;
    return this.room.made;
  }

  private async evict(): Promise<boolean> {
    // The store answers together what was asked together: the others are about to say that they want room too.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      const candidates = await this.context.store.sessions.findDisposable(
        Math.min(this.room?.wanted ?? 1, MOST_EVICTED),
      );
      await Promise.all(
        candidates.map(({ id, lastActivityAt }) =>
          this.ender.end(id, 'evicted', { only: { lastActivityAt, disposable: true } }),
        ),
      );
      return candidates.length > 0;
    } finally {
      this.room = null;
    }
  }

  private refuse(reason: 'rate' | 'full', waitMs: number): Opening {
    this.context.events.emit('session.refused', { reason });
    return { kind: 'refused', reason, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
  }
}
