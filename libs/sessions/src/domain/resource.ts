/** The types every application has. An app names more in its options (`resourceTypes`). */
export const BUILT_IN_RESOURCE_TYPES = ['audio_file', 'temp_file', 'stream'] as const;

/** The one type that has no file: a live connection, closed when its session ends. */
export const STREAM_TYPE = 'stream';

/** `writing → ready → releasing → (gone)`. Only a `ready` resource can be used, and only a `ready` one evicted. */
export type ResourceState = 'writing' | 'ready' | 'releasing';

/** What a store remembers of a resource. Instants are epoch milliseconds. */
export interface ResourceRecord {
  /** UUID v4, with the first three hex digits of its session's id (see `bucket`); also the name of its file. */
  readonly id: string;
  readonly sessionId: string;
  readonly type: string;
  readonly purpose: string | null;
  /** As the user gave it: data, never a path. */
  readonly fileName: string | null;
  readonly mediaType: string | null;
  /** Bytes: what is reserved while it is written, what it holds once it is ready. */
  readonly sizeBytes: number;
  readonly state: ResourceState;
  /** The process that writes it or, for a stream, holds it; `null` once a file is ready. */
  readonly processId: string | null;
  /** The node that its file lies on: the UUID of a storage root. `null` for a stream, which has no file. */
  readonly nodeId: string | null;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** How many reads are under way, in any process. */
  readonly uses: number;
  /** Whether its session counts it no more, though it is still `releasing`: its node deletes the file when it can. */
  readonly freed: boolean;
}

/** What reserving takes. A stream is `ready` at once; a file is `writing` until it is settled. */
export type NewResource = Pick<
  ResourceRecord,
  'id' | 'sessionId' | 'type' | 'purpose' | 'fileName' | 'mediaType' | 'sizeBytes' | 'createdAt' | 'nodeId'
> & { readonly processId: string };

/** Whether it is being read or written now, by any process: such a resource is never evicted. */
export function isInUse(resource: ResourceRecord): boolean {
  return resource.state === 'writing' || resource.uses > 0 || resource.type === STREAM_TYPE;
}
