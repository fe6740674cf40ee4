import type { ResourceRecord } from '../../../domain/resource.js';
import type { Claim, Lease, Released, Victim } from '../../../ports/session-store.js';
import type { RedisBuckets } from './redis.buckets.js';
import { inOrder } from './redis.endings.js';
import { BEGIN_RELEASE, CLAIM_RELEASING, FINISH_RELEASE } from '../scripts/redis.scripts.resources.js';
import { numberOf, resourceOf, textsOf } from './redis.values.js';

/** How a resource is let go: `releasing`, and gone once its file is. */
export class RedisReleases {
  constructor(private readonly buckets: RedisBuckets) {}

  async beginRelease(
    victims: readonly Victim[],
    lease: Lease,
    only: 'unused' | 'any',
  ): Promise<ResourceRecord[]> {
    const ids = victims.map(({ id }) => id);
    const groups = Map.groupBy(victims, ({ id }) => this.buckets.of(id));
    const marked = await this.buckets.byBucket(ids, async (bucket) => {
      const pairs = (groups.get(bucket) ?? []).flatMap(({ id, lastUsedAt }) => [id, lastUsedAt]);
      return textsOf(
        await this.buckets.runIn(BEGIN_RELEASE, bucket, lease.until, lease.nodeId, only, ...pairs),
      );
    });
    return inOrder(ids, marked.flat().map(resourceOf));
  }

  async leaseReleasing(claim: Claim): Promise<ResourceRecord[]> {
    const due = await this.buckets.firstTurns('releasing', claim);
    const ids = due.map(({ id }) => id);
    const claimed = await this.buckets.byBucket(ids, async (bucket, of) =>
      textsOf(await this.buckets.runIn(CLAIM_RELEASING, bucket, claim.at, claim.lease.until, ...of)),
    );
    return inOrder(ids, claimed.flat().map(resourceOf));
  }

  async finishRelease(resourceIds: readonly string[], kind: 'released' | 'evicted'): Promise<Released> {
    const released = await this.buckets.byBucket(resourceIds, async (bucket, ids) => {
      const [resources, bytes] = textsOf(await this.buckets.runIn(FINISH_RELEASE, bucket, kind, ...ids));
      return { resources: numberOf(resources), bytes: numberOf(bytes) };
    });
    return {
      resources: released.reduce((sum, { resources }) => sum + resources, 0),
      bytes: released.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }
}
