import type { Amount } from './limits.js';
import type { SessionRecord } from './session.js';

/** Bounds of files beyond one session, by the names of their options; 0: no limit. */
export interface BudgetLimits {
  /** Files of all sessions of a user. */
  readonly maxResourcesPerUser: number;
  /** Their bytes. */
  readonly maxBytesPerUser: number;
  /** Bytes of all sessions without a user that a network opened. */
  readonly maxBytesPerNetwork: number;
  /** Bytes of all sessions. */
  readonly maxTotalBytes: number;
}

/** A bound that refuses a file: the name of its option. */
export type Quota = keyof BudgetLimits;

export const QUOTAS: readonly Quota[] = [
  'maxResourcesPerUser',
  'maxBytesPerUser',
  'maxBytesPerNetwork',
  'maxTotalBytes',
];

export const NO_BUDGETS: BudgetLimits = {
  maxResourcesPerUser: 0,
  maxBytesPerUser: 0,
  maxBytesPerNetwork: 0,
  maxTotalBytes: 0,
};

/** What the open sessions of a user, of a network or of all count for together. */
export interface Usage extends Amount {
  readonly sessions: number;
}

export const NO_USAGE: Usage = { sessions: 0, resources: 0, bytes: 0 };

type Holding = Pick<
  SessionRecord,
  'resourceCount' | 'streamCount' | 'bytesUsed' | 'incomingCount' | 'incomingBytes'
>;

/**
 * What an open session counts for: its files in place and on their way in, up to `most`, its own limits by its latest reservation.
 * So a session that is full may replace its files whatever its user, its network or the server has reached.
 */
export function countedOf(session: Holding, most: Amount): Amount {
  const { resourceCount, streamCount, bytesUsed, incomingCount, incomingBytes } = session;
  return {
    resources: Math.min(resourceCount - streamCount + incomingCount, most.resources),
    bytes: Math.min(bytesUsed + incomingBytes, most.bytes),
  };
}

/** How much more the session counts for with `more` on its way in. */
export function addedTo(session: Holding, most: Amount, more: Amount): Amount {
  const { incomingCount, incomingBytes } = session;
  const before = countedOf(session, most);
  const grown = { incomingCount: incomingCount + more.resources, incomingBytes: incomingBytes + more.bytes };
  const after = countedOf({ ...session, ...grown }, most);
  return { resources: after.resources - before.resources, bytes: after.bytes - before.bytes };
}

/** What the sessions of a budget hold, by the scope of the limits that bound it. */
export interface Held {
  /** Of the session's user; `null` for none. */
  readonly user: Amount | null;
  /** Of the session's network, if it has no user; `null` for none. */
  readonly network: Amount | null;
  readonly all: Amount;
}

/** The first limit that `more` would break; `null` for none. What adds nothing breaks none, whatever is held. */
export function brokenQuota(held: Held, more: Amount, limits: BudgetLimits): Quota | null {
  const isBroken = (of: Amount | null, what: keyof Amount, quota: Quota): boolean =>
    of !== null && limits[quota] !== 0 && more[what] > 0 && of[what] + more[what] > limits[quota];
  if (isBroken(held.user, 'resources', 'maxResourcesPerUser')) return 'maxResourcesPerUser';
  if (isBroken(held.user, 'bytes', 'maxBytesPerUser')) return 'maxBytesPerUser';
  if (isBroken(held.network, 'bytes', 'maxBytesPerNetwork')) return 'maxBytesPerNetwork';
  return isBroken(held.all, 'bytes', 'maxTotalBytes') ? 'maxTotalBytes' : null;
}
