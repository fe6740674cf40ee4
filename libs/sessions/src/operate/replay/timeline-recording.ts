import type { SessionsCore } from '../../core/core.js';
import { SessionsError } from '../../domain/errors.js';
import type { JournalEntry, PlacedEntry, RequestEntry } from '../../domain/journal/entry.js';
import { STREAM_TYPE } from '../../domain/resource.js';
import type { JournalPosition } from '../../ports/record/journal.js';
import { isSafe, type RecordedBody, type RecordedRequest, type Recording } from './recording.js';

const PAGE = 500;
const EVENT_STREAM = 'text/event-stream';
/** What takes its place in the last instant of a request: both instants are whole milliseconds. */
const SLACK_MS = 1;
const SETTINGS =
  "`journal: 'requests'` (SESSION_JOURNAL=requests) and `journalPaths: true` (SESSION_JOURNAL_PATHS=true), or with " +
  '`journalPaths` that lists every parameter,';

type Request = RequestEntry & { readonly at: number };
type Placed = PlacedEntry & { readonly at: number };

/**
 * The requests that the journal has of a session, live or ended; `null` if there is no timeline of it. Throws `INVALID_ARGUMENT` if
 * the journal kept no requests, or none of their paths.
 */
export async function readRecording(core: SessionsCore, sessionId: string): Promise<Recording | null> {
  const entries: JournalEntry[] = [];
  let after: JournalPosition | null = null;
  do {
    const page = await core.store.journal.read(sessionId, PAGE, after);
    entries.push(...page.entries);
    after = page.next;
  } while (after !== null);
  return entries.length === 0 ? null : recordingOf(sessionId, entries);
}

/** The requests of a timeline. Throws as `readRecording` does. */
export function recordingOf(sessionId: string, entries: readonly JournalEntry[]): Recording {
  const all = entries.filter((entry): entry is Request => entry.kind === 'request');
  if (all.length === 0) throw unrecorded('the journal has no requests of this session');
  const requests = all.filter(({ path }) => path !== null);
  if (requests.length === 0)
    throw unrecorded('the journal has the requests of this session, but not their paths');
  const placed = placedBy(
    all,
    entries.filter((entry): entry is Placed => entry.kind === 'placed'),
  );
  return {
    sessionId,
    requests: requests.map((request) => recordedOf(request, placed.get(request) ?? [])),
    withoutPath: all.length - requests.length,
  };
}

function unrecorded(what: string): SessionsError {
  return new SessionsError('INVALID_ARGUMENT', `${what}: the server must run with ${SETTINGS} beforehand`);
}

function recordedOf(request: Request, placed: readonly Placed[]): RecordedRequest {
  const { at, durationMs, method, path, status, sentBytes, responseType } = request;
  const ordered = placed.toSorted((a, b) => Number(isStream(a)) - Number(isStream(b)) || a.at - b.at);
  return {
    at,
    durationMs,
    method,
    origin: null,
    path: pathOf(path ?? ''),
    body: bodyOf(request),
    status,
    sentBytes,
    responseType,
    placed: ordered.map(({ resourceId }) => resourceId),
  };
}

/** A proxy's client asks for a whole URL. */
function pathOf(text: string): string {
  const path = text.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return path.startsWith('/') ? path : `/${path}`;
}

/** Bytes that arrived behind a request without a body are of the next one. */
function bodyOf({ method, requestType, receivedBytes }: Request): RecordedBody | null {
  if (receivedBytes === 0 || (requestType === null && isSafe(method))) return null;
  return { mediaType: requestType, sizeBytes: receivedBytes, text: null };
}

/** What took its place during each request. Of several at once, the one with the body that fits best, then the first to end. */
function placedBy(requests: readonly Request[], all: readonly Placed[]): Map<Request, Placed[]> {
  const placed = new Map<Request, Placed[]>();
  for (const one of all) {
    const during = requests.filter((request) => request.at <= one.at && one.at <= endOf(request) + SLACK_MS);
    const misfit = (request: Request): number => misfitOf(request, placed.get(request) ?? [], one);
    const [owner] = during.toSorted((a, b) => misfit(a) - misfit(b) || endOf(a) - endOf(b));
    if (owner) placed.set(owner, [...(placed.get(owner) ?? []), one]);
  }
  return placed;
}

function endOf({ at, durationMs }: Request): number {
  return at + durationMs;
}

/** 0 for a request that surely placed it, after those that it placed before. */
function misfitOf(request: Request, before: readonly Placed[], placed: Placed): number {
  if (isStream(placed)) return Number(request.responseType !== EVENT_STREAM);
  if (isSafe(request.method)) return Number.MAX_SAFE_INTEGER;
  const left = before.reduce((bytes, { sizeBytes }) => bytes - sizeBytes, request.receivedBytes);
  return left >= placed.sizeBytes ? left - placed.sizeBytes : Number.MAX_SAFE_INTEGER - 1;
}

function isStream({ type }: Placed): boolean {
  return type === STREAM_TYPE;
}
