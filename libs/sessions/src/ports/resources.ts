import type { ResourceLimits } from '../domain/limits.js';
import type { NewResource, ResourceRecord } from '../domain/resource.js';

/** How a resource comes to be, is found, and is used: `reserve → grow → settle → use`. */
export abstract class ResourcesGroup {
  /** Admits one more resource and its bytes into an open session: a stream is `ready`, anything else `writing`. */
  abstract reserve(resource: NewResource, limits: ResourceLimits): Promise<'reserved' | 'gone' | 'full'>;

  /** Reserves `bytes` more for a resource that is being written; `gone` too once its session is no longer open. */
  abstract grow(
    resourceId: string,
    bytes: number,
    limits: ResourceLimits,
  ): Promise<'grown' | 'gone' | 'full'>;

  /**
   * `writing → ready` with the bytes it has in truth (never more than reserved: `INVALID_ARGUMENT`); `null` once its
   * session is no longer open.
   */
  abstract settle(resourceId: string, settled: Settled): Promise<ResourceRecord | null>;

  abstract find(resourceId: string): Promise<ResourceRecord | null>;

  /** All resources of these sessions, whatever their state, oldest first. */
  abstract list(sessionIds: readonly string[]): Promise<ResourceRecord[]>;

  /**
   * The ids of all resources of each of these sessions, in any state, packed into one text (see `packIds`); in the order of
   * the sessions, and empty for one without. For telling orphans from files: a scan asks for hundreds of sessions at once.
   */
  abstract known(sessionIds: readonly string[]): Promise<readonly string[]>;

  /** Notes a read by `processId`: from now to `unuse` it is in use. `null` unless it is `ready` and its session open. */
  abstract use(resourceId: string, processId: string, at: number): Promise<ResourceRecord | null>;

  /** Ends one read. Last used moves forward to `at`. */
  abstract unuse(resourceId: string, processId: string, at: number): Promise<void>;
}

export interface Settled {
  readonly sizeBytes: number;
  /** `null` leaves the one it was reserved with. */
  readonly mediaType: string | null;
  readonly at: number;
}
