import { compareIds } from './ids.js';

/** The types of every application. The option `resourceTypes` adds more. */
export const BUILT_IN_RESOURCE_TYPES = ['audio_file', 'temp_file', 'stream'] as const;

/** The only type without a file: a live connection, closed when its session ends. */
export const STREAM_TYPE = 'stream';

/** `writing → ready → releasing → (gone)`. Only a `ready` resource can be used, and only a `ready` one evicted. */
export type ResourceState = 'writing' | 'ready' | 'releasing';

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
  /** Bytes: the reservation while `writing`, the actual size once `ready`. */
  readonly sizeBytes: number;
  readonly state: ResourceState;
  /** The process that writes the file or serves the stream; `null` once a file is `ready`. */
  readonly processId: string | null;
  /** The node of the file: the UUID of a storage root. `null` for a stream. */
  readonly nodeId: string | null;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** Number of reads under way, in all processes. */
  readonly uses: number;
  /** Whether the session no longer counts it although it is `releasing`: its node deletes the file later. */
  readonly freed: boolean;
}

/** The resource to reserve. A stream is `ready` at once; a file is `writing` until it is settled. */
export type NewResource = Pick<
  ResourceRecord,
  'id' | 'sessionId' | 'type' | 'purpose' | 'fileName' | 'mediaType' | 'sizeBytes' | 'createdAt' | 'nodeId'
> & { readonly processId: string };

/** Whether any process reads or writes it now: such a resource is never evicted. */
export function isInUse(resource: ResourceRecord): boolean {
  return resource.state === 'writing' || resource.uses > 0 || resource.type === STREAM_TYPE;
}

/** Whether an eviction may release it now. */
export function isEvictable(resource: ResourceRecord): boolean {
  return resource.state === 'ready' && !isInUse(resource);
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
    freed: false,
  };
}
