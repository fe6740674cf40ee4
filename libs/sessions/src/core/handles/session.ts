import { idleEndsAt } from '../../domain/lifetime.js';
import type { SessionRecord } from '../../domain/session.js';
import type { TokenCarrier } from './token-carrier.js';

/**
 * A live session, as handlers and services get it: who it is, and until when. Instants are epoch milliseconds. What it
 * holds changes with every request of anybody; ask `SessionService.describe` for that.
 */
export class Session {
  /** Public id (UUID): fit for logs, URLs and support mails; it opens nothing. */
  readonly id: string;
  readonly ipAddress: string;
  readonly userAgent: string;
  readonly createdAt: number;
  readonly lastActivityAt: number;
  /** The absolute end. */
  readonly expiresAt: number;
  /** The idle end, if nothing more happens. */
  readonly idleEndsAt: number;
  /** `null` until the application binds one. */
  userId: string | null;
  /** @internal Which of its tokens this request came with. */
  epoch: number;
  #carrier: TokenCarrier | null = null;

  constructor(record: SessionRecord) {
    this.id = record.id;
    this.ipAddress = record.ipAddress;
    this.userAgent = record.userAgent;
    this.createdAt = record.createdAt;
    this.lastActivityAt = record.lastActivityAt;
    this.expiresAt = record.expiresAt;
    this.idleEndsAt = idleEndsAt(record);
    this.userId = record.userId;
    this.epoch = record.epoch;
  }

  /** @internal From here on its tokens reach the client by themselves. */
  carryTokensBy(carrier: TokenCarrier): void {
    this.#carrier = carrier;
  }

  /** @internal Of all that names a session, only what a request was given knows the way to its client. */
  static carrierOf(session: SessionRef): TokenCarrier | null {
    return #carrier in session ? session.#carrier : null;
  }
}

/** Whatever names a session: the session itself, or anything with its public id. */
export type SessionRef = Pick<Session, 'id'>;
