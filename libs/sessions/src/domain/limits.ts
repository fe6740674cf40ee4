import type { SessionRecord } from './session.js';

/** Limits of one session, at any instant. */
export interface ResourceLimits {
  /** Files in place; as many again may be on their way in or out. */
  readonly maxResources: number;
  /** Bytes of files in place; as many again may be on their way in or out. */
  readonly maxBytes: number;
  /** Streams. They count towards no other limit. */
  readonly maxStreams: number;
  /** With `reject`, what is in place and what is on its way count together, so that nothing is ever evicted. */
  readonly onLimit: 'evict' | 'reject';
}

/** A number of files, and their bytes. */
export interface Amount {
  readonly resources: number;
  readonly bytes: number;
}

/** The files of a session by account (see `accountOf`). */
export interface Accounts {
  readonly inPlace: Amount;
  readonly incoming: Amount;
  readonly outgoing: Amount;
}

/** Whether `more` fits beside `held`: reaching a limit exactly does. */
export function fits(held: Amount, more: Amount, limits: ResourceLimits): boolean {
  const { resources, bytes } = sumOf([held, more]);
  return resources <= limits.maxResources && bytes <= limits.maxBytes;
}

/** Whether a file may begin, or grow, by `more`. */
export function admitsFile(
  { inPlace, incoming, outgoing }: Accounts,
  more: Amount,
  limits: ResourceLimits,
): boolean {
  const onTheWay = sumOf([incoming, outgoing]);
  return fits(limits.onLimit === 'reject' ? sumOf([inPlace, onTheWay]) : onTheWay, more, limits);
}

/** Whether one more stream may begin beside `streams` others. */
export function admitsStream(streams: number, { maxStreams }: ResourceLimits): boolean {
  return streams < maxStreams;
}

export function sumOf(amounts: readonly Amount[]): Amount {
  return {
    resources: amounts.reduce((total, { resources }) => total + resources, 0),
    bytes: amounts.reduce((total, { bytes }) => total + bytes, 0),
  };
}

/** Amounts that a session may hold without being near a limit. */
export interface UsageBound {
  readonly files: number;
  readonly bytes: number;
  readonly streams: number;
}

/** Who holds more than this of anything is above so many percent of a limit. */
export function shareOf({ maxResources, maxBytes, maxStreams }: ResourceLimits, percent: number): UsageBound {
  const of = (most: number): number => (most * percent) / 100;
  return { files: of(maxResources), bytes: of(maxBytes), streams: of(maxStreams) };
}

/** Who holds more than this of anything is at so many percent of a limit, or above. */
export function shareFrom(
  { maxResources, maxBytes, maxStreams }: ResourceLimits,
  percent: number,
): UsageBound {
  const of = (most: number): number => Math.ceil((most * percent) / 100) - 1;
  return { files: of(maxResources), bytes: of(maxBytes), streams: of(maxStreams) };
}

/** What a session has in place: files and streams together, streams, bytes. */
type InPlace = Pick<SessionRecord, 'bytesUsed' | 'resourceCount' | 'streamCount'>;

export function isAbove({ files, bytes, streams }: UsageBound, session: InPlace): boolean {
  const { resourceCount, bytesUsed, streamCount } = session;
  return resourceCount - streamCount > files || bytesUsed > bytes || streamCount > streams;
}

/** The largest share of a limit that a session uses, in percent: whole, rounded down. */
export function usedShare(session: InPlace, limits: ResourceLimits): number {
  const { resourceCount, bytesUsed, streamCount } = session;
  const { maxResources, maxBytes, maxStreams } = limits;
  return Math.max(
    percentOf(resourceCount - streamCount, maxResources),
    percentOf(bytesUsed, maxBytes),
    percentOf(streamCount, maxStreams),
  );
}

/** Whole, rounded down. */
export function percentOf(used: number, most: number): number {
  return Math.floor((used * 100) / most);
}

/** The bytes that a value of a session's data counts for: key and JSON in UTF-8; 0 for no value. */
export function dataBytesOf(key: string, json: string | null): number {
  return json === null ? 0 : Buffer.byteLength(key) + Buffer.byteLength(json);
}
