import type { IncomingHttpHeaders } from 'node:http';

/** What tells one version of a file from another. */
export interface Validators {
  /** A strong entity tag, with its quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

const ANY = '*';
const TAG = /(?:W\/)?"[\x21\x23-\x7E\x80-\xFF]*"/g;
const LIST_OF_TAGS = new RegExp(`^[\\s,]*(?:${TAG.source}[\\s,]*)+$`);
const BEGINS_AS_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;

/**
 * Whether a request that would succeed may go on, by its preconditions in the order of RFC 9110, 13.2.2. `failed`: answer
 * 412. `not-modified`: answer 304.
 */
export function verdictOf(
  method: string,
  headers: IncomingHttpHeaders,
  { etag, modifiedAt }: Validators,
): 'send' | 'not-modified' | 'failed' {
  const isModifiedAfter = (date: number): boolean => wholeSeconds(modifiedAt) > date;
  const match = headers['if-match'];
  const unmodifiedSince = dateOf(headers['if-unmodified-since']);
  if (match !== undefined) {
    if (!tagsOf(match).some((tag) => tag === ANY || tag === etag)) return 'failed';
  } else if (unmodifiedSince !== null && isModifiedAfter(unmodifiedSince)) {
    return 'failed';
  }
  const isRead = method === 'GET' || method === 'HEAD';
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined) {
    const isHeld = tagsOf(noneMatch).some((tag) => tag === ANY || tag.replace(/^W\//, '') === etag);
    if (isHeld) return isRead ? 'not-modified' : 'failed';
    return 'send';
  }
  const modifiedSince = dateOf(headers['if-modified-since']);
  return isRead && modifiedSince !== null && !isModifiedAfter(modifiedSince) ? 'not-modified' : 'send';
}

/** Whether a range may be sent: the client names no version, or this one. The bytes never change, so its date is strong. */
export function isRangeOfThis(headers: IncomingHttpHeaders, { etag, modifiedAt }: Validators): boolean {
  const condition = headers['if-range']?.toString();
  if (condition === undefined) return true;
  return condition === etag || dateOf(condition) === wholeSeconds(modifiedAt);
}

/** The tags of a list; none if it is malformed. */
function tagsOf(list: string): string[] {
  if (list.trim() === ANY) return [ANY];
  return LIST_OF_TAGS.test(list) ? (list.match(TAG) ?? []) : [];
}

/** An HTTP date in one of its three forms, always in UTC; `null` if there is none. */
function dateOf(text: string | undefined): number | null {
  if (text === undefined || !BEGINS_AS_DATE.test(text)) return null;
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(date) ? null : date;
}

/** HTTP dates have no smaller unit. */
function wholeSeconds(instant: number): number {
  return Math.floor(instant / 1000) * 1000;
}
