/** Why a session is over. */
export const END_REASONS = ['idle', 'expired', 'ended', 'admin', 'evicted', 'unconfirmed'] as const;
export type EndReason = (typeof END_REASONS)[number];

/** A count of 0 for each reason. */
export function noneEnded(): Record<EndReason, number> {
  return { idle: 0, expired: 0, ended: 0, admin: 0, evicted: 0, unconfirmed: 0 };
}

/**
 * `open → ending → ended`. An `ending` session is over for all processes, but files may remain to be deleted. An `ended`
 * one is a tombstone, kept until its absolute end so that its token is recognized as ended.
 */
export type SessionState = 'open' | 'ending' | 'ended';

/** A session as stores keep it. Instants are epoch milliseconds, sizes are bytes. */
export interface SessionRecord {
  /** Public id (UUID v4). Not a credential. */
  readonly id: string;
  /** The two characters of the session's bucket, then SHA-256 of the token in base64url. The token itself is never stored. */
  readonly tokenHash: string;
  /** Replaced authorities that may still act, the latest last: see `NewToken.keepsAuthority`. */
  readonly keptAuthorities: readonly Authority[];
  readonly state: SessionState;
  /** `null` while the session is open. */
  readonly endReason: EndReason | null;
  readonly userId: string | null;
  readonly ipAddress: string;
  /** The client's address of the other family (IPv4, IPv6), once it is learnt; `null` before. Never replaced. */
  readonly otherAddress: string | null;
  readonly userAgent: string;
  readonly createdAt: number;
  /** The latest login; `null` before the first. */
  readonly loggedInAt: number | null;
  readonly lastActivityAt: number;
  /** The absolute end, whatever the activity. */
  readonly expiresAt: number;
  /** Longest time without activity. Kept with the session, so that no process applies different settings to it. */
  readonly idleMs: number;
  /** Whether the client keeps its token beyond its browser: see `NewLogin.remembered`. */
  readonly remembered: boolean;
  /** Whether the client ever presented the token: bots do not. */
  readonly confirmed: boolean;
  readonly requestCount: number;
  /** Resources in place: files and streams. */
  readonly resourceCount: number;
  /** Bytes of the files in place. */
  readonly bytesUsed: number;
  /** The streams among its resources. */
  readonly streamCount: number;
  /** Files on their way in: being written, complete but not placed, or overdrawn. */
  readonly incomingCount: number;
  /** Their bytes, including reservations. */
  readonly incomingBytes: number;
  /** Bytes of its data: see `DataGroup.write`. */
  readonly dataBytes: number;
}

/** The session to open. */
export type NewSession = Pick<
  SessionRecord,
  'id' | 'tokenHash' | 'ipAddress' | 'userAgent' | 'createdAt' | 'expiresAt' | 'idleMs'
>;

/** The record of a session at its opening: the request that opens it is counted. */
export function openingRecord(session: NewSession): SessionRecord {
  return {
    ...session,
    keptAuthorities: [],
    state: 'open',
    endReason: null,
    userId: null,
    otherAddress: null,
    loggedInAt: null,
    remembered: false,
    lastActivityAt: session.createdAt,
    confirmed: false,
    requestCount: 1,
    resourceCount: 0,
    bytesUsed: 0,
    streamCount: 0,
    incomingCount: 0,
    incomingBytes: 0,
    dataBytes: 0,
  };
}

/**
 * What a `Session` object may do: its session's bucket, then the first 16 bytes of its token's hash. A new token replaces it,
 * so that whoever holds an old one is recognized. Unlike a counter, it does not repeat after a lost write.
 */
export type Authority = string;

/** Two characters of the bucket, and 22 of base64url: 132 bits. */
export const AUTHORITY_LENGTH = 24;

export function authorityOf(tokenHash: string): Authority {
  return tokenHash.slice(0, AUTHORITY_LENGTH);
}

/** Whether a session's token is another one now than that of `authority`; `null`, of a call by id alone, is never replaced. */
export function isReplaced(
  { tokenHash }: Pick<SessionRecord, 'tokenHash'>,
  authority: Authority | null,
): boolean {
  return authority !== null && authorityOf(tokenHash) !== authority;
}

/** Whether `authority` may no longer act: its token was replaced, and not by a replacement that kept it. */
export function isStale(
  session: Pick<SessionRecord, 'tokenHash' | 'keptAuthorities'>,
  authority: Authority | null,
): boolean {
  return isReplaced(session, authority) && !session.keptAuthorities.includes(authority ?? '');
}

/** The authorities that may still act after a replacement that keeps that of the replaced token. */
export function keptWith({
  tokenHash,
  keptAuthorities,
}: Pick<SessionRecord, 'tokenHash' | 'keptAuthorities'>): Authority[] {
  return [...keptAuthorities, authorityOf(tokenHash)].slice(-MOST_REPLACED);
}

/**
 * A replaced token is recognized for this long: requests parallel to a login or regenerate present it, and must get no new
 * session, whose cookie would replace the good one. Stores may forget it then.
 */
export const REPLACED_MS = 30_000;

/** The replaced tokens of a session that stores keep at most: the latest ones. */
export const MOST_REPLACED = 8;
