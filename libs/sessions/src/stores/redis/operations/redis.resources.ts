import { QUOTAS, type BudgetLimits, type Quota } from '../../../domain/budgets.js';
import { SessionsError } from '../../../domain/errors.js';
import type { ResourceLimits } from '../../../domain/limits.js';
import { oldestFirst, type NewResource, type ResourceRecord } from '../../../domain/resource.js';
import type { Authority } from '../../../domain/session.js';
import type { Completed, Placed, Placement, ResourcesGroup } from '../../../ports/resources.js';
import type { Refused } from '../../../ports/sessions.js';
import { PLACE } from '../scripts/lua/placement.script.js';
import {
  COMPLETE,
  FIND_OF_SESSION,
  GROW,
  LIST_RESOURCES,
  NOTE_STALL,
  PACKED_IDS,
  RESERVE,
  UNUSE,
  USE,
} from '../scripts/lua/resources.scripts.js';
import { evictedBeginning } from '../buckets/journal.values.js';
import type { RedisBuckets } from '../buckets/redis.buckets.js';
import type { RedisBudgets } from './redis.budgets.js';
import type { RedisDurableWrites } from '../buckets/redis.durable-writes.js';
import {
  authorityText,
  inOrder,
  newResourceText,
  numberOf,
  resourceOf,
  textOf,
  textsOf,
} from '../buckets/redis.values.js';

export class RedisResources implements ResourcesGroup {
  constructor(
    private readonly buckets: RedisBuckets,
    private readonly durable: RedisDurableWrites,
    private readonly budgets: RedisBudgets,
  ) {}

  async reserve(
    resource: NewResource,
    authority: Authority | null,
    limits: ResourceLimits,
    budgets?: BudgetLimits | null,
  ): Promise<'reserved' | 'full' | Quota | Refused> {
    const bucket = this.buckets.of(resource.sessionId);
    if (bucket === null) return 'gone';
    if (bucket !== this.buckets.of(resource.id)) {
      throw new SessionsError(
        'INVALID_ARGUMENT',
        `Resource id ${resource.id} is not one for session ${resource.sessionId}: it must begin with \`${resource.sessionId.slice(0, 3)}\`, so that Redis keeps both in one slot`,
      );
    }
    const { maxResources, maxBytes, maxStreams, onLimit } = limits;
    const args = [
      newResourceText(resource),
      authorityText(authority),
      maxResources,
      maxBytes,
      maxStreams,
      onLimit,
      ...this.budgets.argumentsOf(budgets),
    ];
    const answer: unknown = await this.buckets.runIn(RESERVE, bucket, ...args);
    return oneOf(answer, ['reserved', 'full', 'stale', ...QUOTAS]);
  }

  async grow(
    resourceId: string,
    authority: Authority | null,
    bytes: number,
    { maxResources, maxBytes, onLimit }: ResourceLimits,
    budgets?: BudgetLimits | null,
  ): Promise<'grown' | 'full' | Quota | Refused> {
    const bucket = this.buckets.of(resourceId);
    if (bucket === null) return 'gone';
    const own = [maxResources, maxBytes, onLimit];
    const args = [resourceId, authorityText(authority), bytes, ...own, ...this.budgets.argumentsOf(budgets)];
    const answer: unknown = await this.buckets.runIn(GROW, bucket, ...args);
    return oneOf(answer, ['grown', 'full', 'stale', ...QUOTAS]);
  }

  async noteStall(resourceId: string, since: number | null): Promise<boolean> {
    const bucket = this.buckets.of(resourceId);
    if (bucket === null) return false;
    const args = since === null ? [resourceId] : [resourceId, since];
    return numberOf(await this.buckets.runIn(NOTE_STALL, bucket, ...args)) === 1;
  }

  async complete(
    resourceId: string,
    authority: Authority | null,
    { sizeBytes, mediaType, at }: Completed,
  ): Promise<ResourceRecord | Refused> {
    const bucket = this.buckets.of(resourceId);
    if (bucket === null) return 'gone';
    const args = [resourceId, authorityText(authority), sizeBytes, at];
    if (mediaType !== null) args.push(mediaType.toWellFormed());
    const text = textOf(await this.buckets.runIn(COMPLETE, bucket, ...args));
    if (text === 'surplus')
      throw new SessionsError('INVALID_ARGUMENT', 'complete(): sizeBytes is larger than the reserved size.');
    return text === 'gone' || text === 'stale' ? text : resourceOf(text);
  }

  /** With candidates it may evict, which must survive a failover: otherwise an evicted file would be listed, but deleted. */
  async place(placement: Placement): Promise<Placed | 'full' | Refused> {
    const { sessionId, authority, resourceIds, candidates, limits, overdraw, at, lease } = placement;
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return 'gone';
    const writes = candidates.length > 0 ? this.durable : this.buckets;
    const reply = await writes.runIn(
      PLACE,
      bucket,
      sessionId,
      authorityText(authority),
      limits.maxResources,
      limits.maxBytes,
      overdraw ? 1 : 0,
      at,
      lease.until,
      lease.nodeId,
      evictedBeginning(placement),
      resourceIds.length,
      ...resourceIds,
      ...candidates.flatMap(({ id, lastUsedAt }) => [id, lastUsedAt]),
    );
    const [outcome, count = '0', overdrawn = '0', ...texts] = textsOf(reply);
    if (outcome === 'full' || outcome === 'stale') return outcome;
    if (outcome !== 'placed') return 'gone';
    const records = texts.map(resourceOf);
    const [files, victims] = [records.slice(0, numberOf(count)), records.slice(numberOf(count))];
    return { files, victims, hasOverdrawn: overdrawn !== '0' };
  }

  async find(resourceId: string): Promise<ResourceRecord | null> {
    const bucket = this.buckets.of(resourceId);
    if (bucket === null) return null;
    const [text = ''] = await this.buckets.records(bucket, 'resources', [resourceId]);
    return text === '' ? null : resourceOf(text);
  }

  async findOf(
    sessionId: string,
    authority: Authority | null,
    resourceId: string,
  ): Promise<ResourceRecord | 'stale' | null> {
    const bucket = this.buckets.of(sessionId);
    if (bucket === null) return null;
    const args = [sessionId, authorityText(authority), resourceId];
    return foundIn(await this.buckets.runIn(FIND_OF_SESSION, bucket, ...args));
  }

  async list(sessionIds: readonly string[]): Promise<ResourceRecord[]> {
    const found = await this.buckets.byBucket(new Set(sessionIds), async (bucket, ids) =>
      textsOf(await this.buckets.runIn(LIST_RESOURCES, bucket, ...ids)),
    );
    return found.flat().map(resourceOf).toSorted(oldestFirst);
  }

  async listOverdrawn(at: number, limit: number): Promise<ResourceRecord[]> {
    const entries = await this.buckets.firstUpTo('overdrawn', at, limit);
    const ids = entries.map(({ id }) => id);
    const found = await this.buckets.byBucket(ids, (bucket, of) =>
      this.buckets.records(bucket, 'resources', of),
    );
    const texts = found.flat().filter((text) => text !== '');
    return inOrder(ids, texts.map(resourceOf)).filter(({ overdrawn }) => overdrawn);
  }

  async known(sessionIds: readonly string[]): Promise<string[]> {
    const known = new Map<string, string>();
    await this.buckets.byBucket(new Set(sessionIds), async (bucket, ids) => {
      const texts = textsOf(await this.buckets.runIn(PACKED_IDS, bucket, ...ids));
      for (const [index, text] of texts.entries()) known.set(ids[index] ?? '', text);
    });
    return sessionIds.map((id) => known.get(id) ?? '');
  }

  async use(
    resourceId: string,
    authority: Authority | null,
    processId: string,
    at: number,
  ): Promise<ResourceRecord | 'stale' | null> {
    const bucket = this.buckets.of(resourceId);
    if (bucket === null) return null;
    return foundIn(
      await this.buckets.runIn(USE, bucket, resourceId, authorityText(authority), processId, at),
    );
  }

  async unuse(resourceId: string, processId: string, at: number): Promise<boolean> {
    const bucket = this.buckets.of(resourceId);
    return (
      bucket !== null && numberOf(await this.buckets.runIn(UNUSE, bucket, resourceId, processId, at)) > 0
    );
  }
}

function oneOf<const Answer extends string>(reply: unknown, answers: readonly Answer[]): Answer | 'gone' {
  const text = textOf(reply);
  return answers.find((answer) => answer === text) ?? 'gone';
}

function foundIn(reply: unknown): ResourceRecord | 'stale' | null {
  const [text] = textsOf(reply);
  if (text === undefined) return null;
  return text === 'stale' ? 'stale' : resourceOf(text);
}
