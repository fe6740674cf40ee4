import type { ResourceRecord } from '../domain/resource.js';
import type { LeaseRequest, Lease, Released } from './endings.js';

/** Releases resources: marks them `releasing`, and drops the records once the files are deleted. */
export abstract class ReleasesGroup {
  /**
   * Marks resources `releasing`, leases them to the caller and answers those it marked: each at most once. A file of another
   * node than the lease's is left for that node to lease at once.
   */
  abstract beginRelease(resourceIds: readonly string[], lease: Lease): Promise<ResourceRecord[]>;

  /**
   * Leases to the caller, oldest lease first, `releasing` resources of the lease's node, and streams, whose lease has
   * expired; no files of a session that is `ending`, whose end deletes them.
   */
  abstract leaseReleasing(request: LeaseRequest): Promise<ResourceRecord[]>;

  /**
   * Drops the records of `releasing` resources, whose files are deleted, and adds those that were ever complete to the
   * totals. Answers what it added. It leaves files of a session that is `ending`: they may have moved to the trash, and
   * `finishEnd` drops them.
   */
  abstract finishRelease(resourceIds: readonly string[]): Promise<Released>;
}
