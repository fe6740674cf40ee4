import { idleEndsAt } from '../../domain/lifetime.js';
import { authorityOf, type Authority, type SessionRecord } from '../../domain/session.js';
import type { TokenCarrier } from './token-carrier.js';

/**
 * A snapshot of a live session, for handlers and services. Instants are epoch milliseconds. Its resources and counts,
 * which change with every request, come from `SessionService.describe`.
 */
export class Session {
  /** Public id (UUID): safe in logs, URLs and support mails; not a credential. */
  readonly id: string;
  readonly ipAddress: string;
  readonly userAgent: string;
  readonly createdAt: number;
  readonly lastActivityAt: number;
  /** The absolute end, whatever the activity. */
  readonly expiresAt: number;
  /** The idle end, if no activity follows. */
  readonly idleEndsAt: number;
  /** `null` until the application binds one. */
  userId: string | null;
  /** @internal The generation of the token that this request presented. */
  epoch: number;
  /** @internal What this object may do. A login or regenerate with this object replaces it: read it at each use. */
  authority: Authority;
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
    this.authority = authorityOf(record.tokenHash);
  }

  /** @internal From now on `carrier` sends new tokens to the client. */
  carryTokensBy(carrier: TokenCarrier): void {
    this.#carrier = carrier;
  }

  /** @internal For stores to compare; `null`, which they do not compare, for a reference by id alone. */
  static authorityOf(session: SessionRef): Authority | null {
    const authority: unknown = Reflect.get(session, 'authority');
    return typeof authority === 'string' ? authority : null;
  }

  /** @internal `null` unless `session` is the object that a request was given. */
  static carrierOf(session: SessionRef): TokenCarrier | null {
    return #carrier in session ? session.#carrier : null;
  }
}

/** Refers to a session: the session itself, or an object with its public id. */
export type SessionRef = Pick<Session, 'id'>;
