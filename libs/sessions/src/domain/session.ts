/** Why a session is over. One ending, several reasons. */
export const END_REASONS = ['idle', 'expired', 'ended', 'admin', 'evicted'] as const;
export type EndReason = (typeof END_REASONS)[number];

/**
 * `open → ending → ended`. An `ending` session is over for everybody; its files may still be on their way out.
 * An `ended` one is a tombstone: kept until its absolute end, so that its token is known to be dead.
 */
export type SessionState = 'open' | 'ending' | 'ended';

/** What a store remembers of a session. Instants are epoch milliseconds, sizes are bytes. */
export interface SessionRecord {
  /** Public id (UUID v4). Not a credential. */
  readonly id: string;
  /** Two characters that name the session's bucket, then SHA-256 of the token in base64url. The token itself is never stored. */
  readonly tokenHash: string;
  /** Counts the tokens this session has had: 0 at its opening, one more with each regenerate. */
  readonly epoch: number;
  readonly state: SessionState;
  /** `null` while the session is open. */
  readonly endReason: EndReason | null;
  readonly userId: string | null;
  readonly ipAddress: string;
  readonly userAgent: string;
  readonly createdAt: number;
  readonly lastActivityAt: number;
  /** The absolute end, whatever the activity. */
  readonly expiresAt: number;
  /** How long this session may be without activity. Fixed when it opens, so that no process applies another's settings to it. */
  readonly idleMs: number;
  /** Whether its client ever presented the token: a bot's never does. */
  readonly confirmed: boolean;
  readonly requestCount: number;
  /** Resources now held, those being written included. */
  readonly resourceCount: number;
  /** Bytes now held, those reserved for writing included. */
  readonly bytesUsed: number;
}

/** What opening a session takes. It starts with one request, the one that opened it; everything else is zero. */
export type NewSession = Pick<
  SessionRecord,
  'id' | 'tokenHash' | 'ipAddress' | 'userAgent' | 'createdAt' | 'expiresAt' | 'idleMs'
>;

/** A session as it begins. */
export function openingRecord(session: NewSession): SessionRecord {
  return {
    ...session,
    epoch: 0,
    state: 'open',
    endReason: null,
    userId: null,
    lastActivityAt: session.createdAt,
    confirmed: false,
    requestCount: 1,
    resourceCount: 0,
    bytesUsed: 0,
  };
}
