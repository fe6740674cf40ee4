import { STATUS_CODES } from 'node:http';
import type { RecordedBody, RecordedRequest, Recording } from './recording.js';

/*
 * HAR 1.2: http://www.softwareishard.com/blog/har-12-spec. Fields with an underscore are ours, as the format allows.
 */

/** Where the journal does not know the host. */
const ORIGIN = 'http://localhost';
const HTTP_VERSION = 'HTTP/1.1';
/** What a URL has no room for, and `%` before anything but two hex digits. */
const OUTSIDE_URLS = /[^\w\-.~!$&'()*+,;=:@/?%]|%(?![\da-f]{2})/gi;
const MAX_BYTE = 0xff;

export type Har = ReturnType<typeof harOf>;

/**
 * A recording as browsers' developer tools import it. It has no header, cookie or body, since the journal keeps none. Sizes of
 * responses count their headers.
 */
export function harOf({ sessionId, requests }: Recording, version: string) {
  return {
    log: {
      version: '1.2',
      creator: { name: 'nest-sessions', version },
      ...(sessionId !== null && { _session: sessionId }),
      // Firefox imports no file without this list.
      pages: [],
      entries: requests.map(entryOf),
    },
  };
}

function entryOf(recorded: RecordedRequest) {
  const { at, durationMs, status, sentBytes, responseType, placed } = recorded;
  return {
    startedDateTime: new Date(at).toISOString(),
    time: durationMs,
    request: requestOf(recorded),
    response: {
      status: status ?? 0,
      statusText: STATUS_CODES[status ?? 0] ?? '',
      httpVersion: HTTP_VERSION,
      cookies: [],
      headers: [],
      content: { size: sentBytes, mimeType: responseType ?? '' },
      redirectURL: '',
      headersSize: -1,
      bodySize: -1,
    },
    cache: {},
    timings: { send: 0, wait: durationMs, receive: 0 },
    ...(placed.length > 0 && { _placed: placed }),
  };
}

function requestOf({ method, origin, path, body }: RecordedRequest) {
  const inUrl = path.replaceAll(OUTSIDE_URLS, percentOf);
  return {
    method,
    url: `${origin ?? ORIGIN}${inUrl}`,
    // As the client sent it, where a URL cannot have it so.
    ...(inUrl !== path && { _path: path }),
    httpVersion: HTTP_VERSION,
    cookies: [],
    headers: [],
    queryString: queryOf(inUrl),
    ...(body !== null && { postData: postDataOf(body) }),
    headersSize: -1,
    bodySize: body?.sizeBytes ?? 0,
  };
}

function postDataOf({ mediaType, text }: RecordedBody) {
  return { mimeType: mediaType ?? '', text: text ?? '' };
}

function queryOf(path: string) {
  const query = /\?(.*)$/s.exec(path)?.[1] ?? '';
  return [...new URLSearchParams(query)].map(([name, value]) => ({ name, value }));
}

/** Node gives each byte of a path as one character. */
function percentOf(character: string): string {
  const code = character.charCodeAt(0);
  if (code > MAX_BYTE) return encodeURIComponent(character.toWellFormed());
  return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
}
