import type { ResourceRecord } from '../domain/resource.js';
import type { LeaseRequest, Lease, Released } from './endings.js';

/** Releases resources: marks them `releasing`, and drops the records once the files are deleted. */
export abstract class ReleasesGroup {
  /**
   * Marks resources `releasing`, leases them to the caller and answers those it marked: each at most once. With `only`
   * `'unused'` (an eviction), skips a resource unless it is `ready`, not in use, and last used at the victim's `lastUsedAt`.
   * A file of another node than the lease's is left for that node to lease, and `freed` at once: its count and bytes are
   * given back, and an eviction is counted, however late that node deletes it.
   */
  abstract beginRelease(
    victims: readonly Victim[],
    lease: Lease,
    only: 'unused' | 'any',
  ): Promise<ResourceRecord[]>;

  /**
   * Leases to the caller, oldest lease first, `releasing` resources of the lease's node, and streams, whose lease has
   * expired.
   */
  abstract leaseReleasing(request: LeaseRequest): Promise<ResourceRecord[]>;

  /**
   * Drops the records of `releasing` resources, gives back count and bytes unless they are `freed`, and adds settled ones
   * to the totals. Answers what it added.
   */
  abstract finishRelease(resourceIds: readonly string[], kind: 'released' | 'evicted'): Promise<Released>;
}

export interface Victim {
  readonly id: string;
  readonly lastUsedAt: number;
}
