import type { ResourceLimits } from '../domain/limits.js';
import type { NewResource, ResourceRecord } from '../domain/resource.js';

/** Creates, finds and uses resources: `reserve → grow → settle → use`. */
export abstract class ResourcesGroup {
  /** Adds a resource to an open session, a stream as `ready`, a file as `writing`; `full` if it would exceed `limits`. */
  abstract reserve(resource: NewResource, limits: ResourceLimits): Promise<'reserved' | 'gone' | 'full'>;

  /** Reserves `bytes` more for a resource in state `writing`; `gone` also if its session is not open. */
  abstract grow(
    resourceId: string,
    bytes: number,
    limits: ResourceLimits,
  ): Promise<'grown' | 'gone' | 'full'>;

  /**
   * `writing → ready` with the actual size; rejects with `INVALID_ARGUMENT` if that is more than reserved. `null` if the
   * session is not open.
   */
  abstract settle(resourceId: string, settled: Settled): Promise<ResourceRecord | null>;

  /** A resource in any state; `null` for none. */
  abstract find(resourceId: string): Promise<ResourceRecord | null>;

  /** All resources of these sessions, in any state, oldest first. */
  abstract list(sessionIds: readonly string[]): Promise<ResourceRecord[]>;

  /**
   * For each session, in the given order, the ids of its resources in any state, packed (see `packIds`); empty for none. The
   * orphan scan asks for hundreds of sessions at once.
   */
  abstract known(sessionIds: readonly string[]): Promise<readonly string[]>;

  /** Begins a read by `processId`: in use until `unuse`. `null` unless the resource is `ready` and its session open. */
  abstract use(resourceId: string, processId: string, at: number): Promise<ResourceRecord | null>;

  /** Ends one read, and moves last use forward to `at`. */
  abstract unuse(resourceId: string, processId: string, at: number): Promise<void>;
}

export interface Settled {
  readonly sizeBytes: number;
  /** `null` keeps the reserved one. */
  readonly mediaType: string | null;
  readonly at: number;
}
