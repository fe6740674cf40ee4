import { SessionsError } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import type { RecordedBody, RecordedRequest, Recording } from './recording.js';

const METHOD = /^[\w!#$%&'*+.^`|~-]{1,64}$/;
const URL_PARTS = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]+)([^#]*)/i;
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/;
/** What a request line can carry: a byte per character, no blanks and no control characters. */
const SENDABLE = /^\/[\x21-\x7e\x80-\xff]*$/;

/** The requests of a HAR 1.2: one of `harOf`, or of a browser. Throws `INVALID_ARGUMENT`, with what is wrong and where. */
export function readHar(text: string): Recording {
  const { log } = objectAt('the file', parse(text));
  const { entries, _session: session } = objectAt('log', log);
  if (!Array.isArray(entries)) throw invalid('log.entries', 'a list');
  const requests = entries.map((entry: unknown, index) => requestAt(`log.entries[${index}]`, entry));
  return {
    sessionId: isUuid(session) ? session : null,
    requests: requests.toSorted((a, b) => a.at - b.at),
    withoutPath: 0,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown;
  } catch (error) {
    throw new SessionsError('INVALID_ARGUMENT', 'the file is no HAR: it is no JSON', { cause: error });
  }
}

function requestAt(where: string, value: unknown): RecordedRequest {
  const entry = objectAt(where, value);
  const request = objectAt(`${where}.request`, entry['request']);
  const response = objectAt(`${where}.response`, entry['response']);
  const { status } = response;
  if (typeof status !== 'number') throw invalid(`${where}.response.status`, 'a number');
  const at = Date.parse(String(entry['startedDateTime']));
  if (Number.isNaN(at)) throw invalid(`${where}.startedDateTime`, 'a date');
  const { method } = request;
  if (typeof method !== 'string' || !METHOD.test(method))
    throw invalid(`${where}.request.method`, 'a method');
  const { content } = response;
  const size = isObject(content) ? content['size'] : 0;
  return {
    at,
    durationMs: countOf(entry['time']),
    method,
    ...addressAt(`${where}.request`, request),
    body: bodyOf(request),
    status: status > 0 ? status : null,
    sentBytes: countOf(size),
    responseType: isObject(content) ? essenceOf(content['mimeType']) : null,
    placed: Array.isArray(entry['_placed']) ? entry['_placed'].filter(isUuid) : [],
  };
}

function addressAt(where: string, { url, _path: path }: Record<string, unknown>) {
  const [, origin, inUrl] = URL_PARTS.exec(String(url)) ?? [];
  if (origin === undefined || inUrl === undefined) throw invalid(`${where}.url`, 'a whole URL');
  const given = typeof path === 'string' ? path : inUrl.replace(/^(?!\/)/, '/');
  const sendable = given.replaceAll(/[^\x21-\xff]/g, (character) =>
    encodeURIComponent(character.toWellFormed()),
  );
  if (!SENDABLE.test(sendable)) throw invalid(`${where}.url`, 'a URL that a request can carry');
  return { origin: origin.toLowerCase(), path: sendable };
}

/** A text whose length is not that of the body is not the body: browsers leave out files. */
function bodyOf({ postData, bodySize }: Record<string, unknown>): RecordedBody | null {
  const { mimeType, text } = isObject(postData) ? postData : {};
  const declared = countOf(bodySize);
  const kept = typeof text === 'string' ? text : '';
  const bytes = Buffer.byteLength(kept);
  if (bytes > 0 && (declared === 0 || declared === bytes)) {
    return { mediaType: headerValueOf(mimeType), sizeBytes: bytes, text: kept };
  }
  return declared === 0 ? null : { mediaType: essenceOf(mimeType), sizeBytes: declared, text: null };
}

function headerValueOf(value: unknown): string | null {
  return typeof value === 'string' && HEADER_VALUE.test(value) ? value : null;
}

/** A media type without its parameters. */
function essenceOf(value: unknown): string | null {
  return headerValueOf(value)?.split(';')[0]?.trim().toLowerCase() || null;
}

/** HAR has -1 for what is not known. */
function countOf(value: unknown): number {
  return typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER ? Math.round(value) : 0;
}

function objectAt(where: string, value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw invalid(where, 'an object');
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(where: string, what: string): SessionsError {
  return new SessionsError('INVALID_ARGUMENT', `the file is no HAR 1.2: ${where} must be ${what}`);
}
