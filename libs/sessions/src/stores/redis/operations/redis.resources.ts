import { SessionsError } from '../../../domain/errors.js';
import type { ResourceLimits } from '../../../domain/limits.js';
import { oldestFirst, type NewResource, type ResourceRecord } from '../../../domain/resource.js';
import type { ResourcesGroup, Settled } from '../../../ports/resources.js';
import type { RedisBuckets } from './redis.buckets.js';
import {
  GROW,
  LIST_RESOURCES,
  PACKED_IDS,
  RESERVE,
  SETTLE,
  UNUSE,
  USE,
} from '../scripts/lua/resources.scripts.js';
import { newResourceText, resourceOf, textOf, textsOf } from './redis.values.js';

export class RedisResources implements ResourcesGroup {
  constructor(private readonly buckets: RedisBuckets) {}

  async reserve(resource: NewResource, limits: ResourceLimits): Promise<'reserved' | 'gone' | 'full'> {
    const bucket = this.buckets.of(resource.sessionId);
    if (bucket === null) return 'gone';
    if (bucket !== this.buckets.of(resource.id)) {
      throw new SessionsError(
        'INVALID_ARGUMENT',
        'Resource id and session id must belong to the same bucket (see `domain/bucket`).',
      );
    }
    const args = [newResourceText(resource), limits.maxResources, limits.maxBytes];
    const answer = textOf(await this.buckets.runIn(RESERVE, bucket, ...args));
    return answer === 'reserved' || answer === 'full' ? answer : 'gone';
  }

  async grow(resourceId: string, bytes: number, limits: ResourceLimits): Promise<'grown' | 'gone' | 'full'> {
    const bucket = this.buckets.of(resourceId);
    if (bucket === null) return 'gone';
    const args = [resourceId, bytes, limits.maxResources, limits.maxBytes];
    const answer = textOf(await this.buckets.runIn(GROW, bucket, ...args));
    return answer === 'grown' || answer === 'full' ? answer : 'gone';
  }

  async settle(resourceId: string, settled: Settled): Promise<ResourceRecord | null> {
    const bucket = this.buckets.of(resourceId);
    if (bucket === null) return null;
    const mediaType = settled.mediaType === null ? [] : [settled.mediaType.toWellFormed()];
    const args = [resourceId, settled.sizeBytes, settled.at, ...mediaType];
    const [text] = textsOf(await this.buckets.runIn(SETTLE, bucket, ...args));
    if (text === 'surplus')
      throw new SessionsError('INVALID_ARGUMENT', 'settle(): sizeBytes is larger than the reserved size.');
    return text === undefined ? null : resourceOf(text);
  }

  async find(resourceId: string): Promise<ResourceRecord | null> {
    const bucket = this.buckets.of(resourceId);
    if (bucket === null) return null;
    const [text = ''] = await this.buckets.fields(bucket, 'resources', resourceId);
    return text === '' ? null : resourceOf(text);
  }

  async list(sessionIds: readonly string[]): Promise<ResourceRecord[]> {
    const found = await this.buckets.byBucket(new Set(sessionIds), async (bucket, ids) =>
      textsOf(await this.buckets.runIn(LIST_RESOURCES, bucket, ...ids)),
    );
    return found.flat().map(resourceOf).toSorted(oldestFirst);
  }

  async known(sessionIds: readonly string[]): Promise<string[]> {
    const known = new Map<string, string>();
    await this.buckets.byBucket(new Set(sessionIds), async (bucket, ids) => {
      const texts = textsOf(await this.buckets.runIn(PACKED_IDS, bucket, ...ids));
      for (const [index, text] of texts.entries()) known.set(ids[index] ?? '', text);
    });
    return sessionIds.map((id) => known.get(id) ?? '');
  }

  async use(resourceId: string, processId: string, at: number): Promise<ResourceRecord | null> {
    const bucket = this.buckets.of(resourceId);
    if (bucket === null) return null;
    const [text] = textsOf(await this.buckets.runIn(USE, bucket, resourceId, processId, at));
    return text === undefined ? null : resourceOf(text);
  }

  async unuse(resourceId: string, processId: string, at: number): Promise<void> {
    const bucket = this.buckets.of(resourceId);
    if (bucket !== null) await this.buckets.runIn(UNUSE, bucket, resourceId, processId, at);
  }
}
