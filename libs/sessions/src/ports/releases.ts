import type { ResourceRecord } from '../domain/resource.js';
import type { LeaseRequest, Lease, Released } from './endings.js';

/** How a resource is let go: `releasing`, and gone once its file is. */
export abstract class ReleasesGroup {
  /**
   * Marks resources `releasing`, leased to the caller, and answers those it marked: each at most once. With `only`
   * `'unused'` (an eviction), a resource is passed over unless it is `ready`, not in use, and last used when `victims` says.
   * What lies on another node than the lease's is that node's to lease, and `freed` at once: its count and bytes are given
   * back, and an eviction is counted, whenever that node comes to delete it.
   */
  abstract beginRelease(
    victims: readonly Victim[],
    lease: Lease,
    only: 'unused' | 'any',
  ): Promise<ResourceRecord[]>;

  /**
   * Resources of the lease's node, and streams, left `releasing` by a holder whose lease has run out, oldest lease first;
   * each is leased to the caller.
   */
  abstract leaseReleasing(request: LeaseRequest): Promise<ResourceRecord[]>;

  /**
   * Drops the records of `releasing` resources, their count and bytes unless they are `freed`, and adds what was settled to
   * the totals. Answers what it added.
   */
  abstract finishRelease(resourceIds: readonly string[], kind: 'released' | 'evicted'): Promise<Released>;
}

export interface Victim {
  readonly id: string;
  readonly lastUsedAt: number;
}
