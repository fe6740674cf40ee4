import type { ResourceRecord } from '../../../domain/resource.js';
import { totalReleased, type Lease, type LeaseRequest, type Released } from '../../../ports/endings.js';
import type { ReleasesGroup } from '../../../ports/releases.js';
import type { RedisBuckets } from '../buckets/redis.buckets.js';
import type { RedisFleet } from './redis.fleet.js';
import { BEGIN_RELEASE, FINISH_RELEASE, LEASE_RELEASING } from '../scripts/lua/releases.scripts.js';
import { inOrder, numberOf, resourceOf, textsOf } from '../buckets/redis.values.js';

export class RedisReleases implements ReleasesGroup {
  constructor(
    private readonly buckets: RedisBuckets,
    private readonly fleet: RedisFleet,
  ) {}

  async beginRelease(resourceIds: readonly string[], lease: Lease): Promise<ResourceRecord[]> {
    const marked = await this.buckets.byBucket(resourceIds, async (bucket, ids) =>
      textsOf(await this.buckets.runIn(BEGIN_RELEASE, bucket, lease.until, lease.nodeId, ...ids)),
    );
    return inOrder(resourceIds, marked.flat().map(resourceOf));
  }

  async leaseReleasing(request: LeaseRequest): Promise<ResourceRecord[]> {
    await this.fleet.freeLost();
    const due = await this.buckets.firstLeasable('releasing', request);
    const ids = due.map(({ id }) => id);
    const leased = await this.buckets.byBucket(ids, async (bucket, of) =>
      textsOf(await this.buckets.runIn(LEASE_RELEASING, bucket, request.at, request.lease.until, ...of)),
    );
    return inOrder(ids, leased.flat().map(resourceOf));
  }

  async finishRelease(resourceIds: readonly string[]): Promise<Released> {
    const released = await this.buckets.byBucket(resourceIds, async (bucket, ids) => {
      const [resources, bytes] = textsOf(await this.buckets.runIn(FINISH_RELEASE, bucket, ...ids));
      return { resources: numberOf(resources), bytes: numberOf(bytes) };
    });
    return totalReleased(released);
  }
}
