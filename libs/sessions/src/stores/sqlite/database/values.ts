import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { compareIds, digitsOf, idOfDigits, isUuid } from '../../../domain/ids.js';
import { END_REASONS } from '../../../domain/session.js';
import type { Authority, SessionRecord } from '../../../domain/session.js';
import type { ResourceRecord } from '../../../domain/resource.js';

export type Row = Record<string, SQLOutputValue>;

const HASH = /^[A-Za-z0-9_-]{44}[AEIMQUYcgkosw048]$/;
/** The two characters of the bucket precede the SHA-256. */
const BUCKET_BYTES = 2;

/** A UUID as its 16 bytes, which need less than half the space of its text. Other ids stay text, and never equal a UUID. */
export function packId(id: string): SQLInputValue {
  return isUuid(id) ? Buffer.from(digitsOf(id), 'hex') : id;
}

/** A token hash as 34 bytes: the characters of the bucket and the SHA-256. Other hashes stay text. */
export function packHash(hash: string): SQLInputValue {
  if (!HASH.test(hash)) return hash;
  const sha256 = Buffer.from(hash.slice(BUCKET_BYTES), 'base64url');
  return Buffer.concat([Buffer.from(hash.slice(0, BUCKET_BYTES), 'latin1'), sha256]);
}

export function idOf(row: Row, column: string): string {
  const value = row[column];
  if (!(value instanceof Uint8Array)) return textOf(row, column);
  return idOfDigits(bytesOf(value).toString('hex'));
}

export function idOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : idOf(row, column);
}

export function hashOf(row: Row, column: string): string {
  const value = row[column];
  if (!(value instanceof Uint8Array)) return textOf(row, column);
  const bytes = bytesOf(value);
  return bytes.toString('latin1', 0, BUCKET_BYTES) + bytes.toString('base64url', BUCKET_BYTES);
}

function bytesOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export function numberOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`Column ${column} holds no number`);
  return value;
}

export function numberOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : numberOf(row, column);
}

export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`Column ${column} holds no text`);
  return value;
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column);
}

export function oneOf<T extends string>(row: Row, column: string, words: readonly T[]): T {
  const word = words.find((candidate) => candidate === row[column]);
  if (word === undefined) throw new TypeError(`Column ${column} holds none of ${words.join(', ')}`);
  return word;
}

/** Earliest end of lease first, ties by id: for merging rows of queries in this order. */
export function byLease(a: Row, b: Row): number {
  const leases = numberOf(a, 'leased_until') - numberOf(b, 'leased_until');
  return leases || compareIds(idOf(a, 'id'), idOf(b, 'id'));
}

const SESSION_STATES: readonly SessionRecord['state'][] = ['open', 'ending', 'ended'];
const RESOURCE_STATES: readonly ResourceRecord['state'][] = ['writing', 'complete', 'ready', 'releasing'];

export function sessionStateOf(row: Row, column = 'state'): SessionRecord['state'] {
  return oneOf(row, column, SESSION_STATES);
}

export function endReasonOf(row: Row): SessionRecord['endReason'] {
  return row['end_reason'] === null ? null : oneOf(row, 'end_reason', END_REASONS);
}

export function packAuthorities(authorities: readonly Authority[]): string {
  return authorities.join(' ');
}

export function authoritiesOf(row: Row, column: string): Authority[] {
  const text = textOf(row, column);
  return text === '' ? [] : text.split(' ');
}

/** Converts a row of `sessions`. */
export function sessionOf(row: Row): SessionRecord {
  return {
    id: idOf(row, 'id'),
    tokenHash: hashOf(row, 'token_hash'),
    keptAuthorities: authoritiesOf(row, 'kept_authorities'),
    state: sessionStateOf(row),
    endReason: endReasonOf(row),
    userId: textOrNull(row, 'user_id'),
    ipAddress: textOf(row, 'ip_address'),
    otherAddress: textOrNull(row, 'other_address'),
    userAgent: textOf(row, 'user_agent'),
    createdAt: numberOf(row, 'created_at'),
    loggedInAt: numberOrNull(row, 'logged_in_at'),
    lastActivityAt: numberOf(row, 'last_activity_at'),
    expiresAt: numberOf(row, 'expires_at'),
    idleMs: numberOf(row, 'idle_ms'),
    remembered: numberOf(row, 'remembered') === 1,
    confirmed: numberOf(row, 'confirmed') === 1,
    requestCount: numberOf(row, 'request_count'),
    resourceCount: numberOf(row, 'resource_count'),
    bytesUsed: numberOf(row, 'bytes_used'),
    streamCount: numberOf(row, 'stream_count'),
    incomingCount: numberOf(row, 'incoming_count'),
    incomingBytes: numberOf(row, 'incoming_bytes'),
    dataBytes: numberOf(row, 'data_bytes'),
  };
}

/** Converts a row of `resources`, joined with its session's id. */
export function resourceOf(row: Row): ResourceRecord {
  return resourceOfSession(idOf(row, 'session_id'), row);
}

/** Converts a row of `resources` of this session. */
export function resourceOfSession(sessionId: string, row: Row): ResourceRecord {
  return {
    id: idOf(row, 'id'),
    sessionId,
    type: textOf(row, 'type'),
    purpose: textOrNull(row, 'purpose'),
    fileName: textOrNull(row, 'file_name'),
    mediaType: textOrNull(row, 'media_type'),
    sizeBytes: numberOf(row, 'size_bytes'),
    state: oneOf(row, 'state', RESOURCE_STATES),
    processId: idOrNull(row, 'process_id'),
    createdAt: numberOf(row, 'created_at'),
    nodeId: idOrNull(row, 'node_id'),
    lastUsedAt: numberOf(row, 'last_used_at'),
    uses: numberOf(row, 'uses'),
    stalledSince: numberOrNull(row, 'stalled_since'),
    overdrawn: row['overdrawn_at'] !== null,
  };
}
