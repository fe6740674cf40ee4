import { compareIds } from './ids.js';

/** The types of every application. The option `resourceTypes` adds more. */
export const BUILT_IN_RESOURCE_TYPES = ['audio_file', 'file', 'temp_file', 'stream'] as const;

/** The only type without a file: a live connection, closed when its session ends. */
export const STREAM_TYPE = 'stream';

/**
 * `writing → complete → ready → releasing → (gone)`; a stream is `ready` at once. A `complete` file can be read, but is gone
 * if what brought it fails. A `ready` one has taken its place, and only such a one is ever evicted.
 */
export type ResourceState = 'writing' | 'complete' | 'ready' | 'releasing';

/**
 * Where a session counts a resource: `inPlace`; `incoming`, on its way in; or `outgoing`, released but not deleted yet.
 */
export type Account = 'inPlace' | 'incoming' | 'outgoing';

/** A resource as stores keep it. Instants are epoch milliseconds. */
export interface ResourceRecord {
  /** UUID v4, with the first three hex digits of its session's id (see `bucket`); also the name of its file. */
  readonly id: string;
  readonly sessionId: string;
  readonly type: string;
  readonly purpose: string | null;
  /** The user's name of the file: data, never a path. */
  readonly fileName: string | null;
  readonly mediaType: string | null;
  /** Bytes: the reservation while `writing`, then the actual size. */
  readonly sizeBytes: number;
  readonly state: ResourceState;
  /** The process that brings the file or serves the stream; `null` once a file is `ready`. */
  readonly processId: string | null;
  /** The node of the file: the UUID of a storage root. `null` for a stream. */
  readonly nodeId: string | null;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** Number of reads under way, in all processes. */
  readonly uses: number;
  /**
   * While `writing`: since when its process has received no bytes of it, if it has noted that; `null` while it receives some.
   * Such a file may be given up for another that waits for room.
   */
  readonly stalledSince: number | null;
  /** Whether it is `ready` but still counts as incoming: when it was placed, all that could make room was in use. */
  readonly overdrawn: boolean;
}

/** The resource to reserve. A stream is `ready` at once; a file is `writing` until it is complete. */
export type NewResource = Pick<
  ResourceRecord,
  'id' | 'sessionId' | 'type' | 'purpose' | 'fileName' | 'mediaType' | 'sizeBytes' | 'createdAt' | 'nodeId'
> & { readonly processId: string };

/** Whether all bytes of a file are there, and it is not being released: it can be read. */
export function isReadable({ state }: Pick<ResourceRecord, 'state'>): boolean {
  return state === 'complete' || state === 'ready';
}

/** The account of its session that counts a resource. */
export function accountOf({ state, overdrawn }: Pick<ResourceRecord, 'state' | 'overdrawn'>): Account {
  if (state === 'releasing') return 'outgoing';
  return state === 'ready' && !overdrawn ? 'inPlace' : 'incoming';
}

/** Whether an eviction may release it now: it has its place, and no process reads it. */
export function isEvictable(resource: ResourceRecord): boolean {
  return accountOf(resource) === 'inPlace' && resource.uses === 0 && resource.type !== STREAM_TYPE;
}

/** Compares resources by age, for sorting. */
export function oldestFirst(a: ResourceRecord, b: ResourceRecord): number {
  return a.createdAt - b.createdAt || compareIds(a.id, b.id);
}

/** The record of a resource when it is reserved. */
export function reservedRecord(resource: NewResource): ResourceRecord {
  return {
    ...resource,
    state: resource.type === STREAM_TYPE ? 'ready' : 'writing',
    lastUsedAt: resource.createdAt,
    uses: 0,
    stalledSince: null,
    overdrawn: false,
  };
}
