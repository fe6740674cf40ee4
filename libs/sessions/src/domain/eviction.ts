import { compareIds } from './ids.js';
import { fits, type ResourceLimits } from './limits.js';
import { isEvictable, oldestFirst, STREAM_TYPE, type ResourceRecord } from './resource.js';

/** A request to add a new resource to a session (`count` 1) or more bytes to one being written (`count` 0). */
export interface Demand {
  readonly count: 0 | 1;
  readonly bytes: number;
  /** The resource that needs them; it never evicts itself. */
  readonly resourceId: string;
}

/**
 * - `evict`: the demand fits once these are released, least recently used first;
 * - `wait`: a release is under way, or a younger writer will be refused: retry;
 * - `refuse`: everything is in use, and this is the youngest writer.
 */
export type EvictionPlan =
  | { readonly action: 'evict'; readonly victims: readonly ResourceRecord[] }
  | { readonly action: 'wait' }
  | { readonly action: 'refuse' };

/** Chooses the resources of a session to evict for a demand: exactly as many as it needs, or none. */
export function planEviction(
  all: readonly ResourceRecord[],
  demand: Demand,
  limits: ResourceLimits,
): EvictionPlan {
  const counted = all.filter((resource) => !resource.freed);
  let usage = {
    resourceCount: counted.length,
    bytesUsed: counted.reduce((sum, resource) => sum + resource.sizeBytes, 0),
  };
  const victims: ResourceRecord[] = [];
  for (const candidate of leastRecentlyUsed(counted)) {
    if (fits(usage, demand.count, demand.bytes, limits)) break;
    victims.push(candidate);
    usage = {
      resourceCount: usage.resourceCount - 1,
      bytesUsed: usage.bytesUsed - candidate.sizeBytes,
    };
  }
  if (fits(usage, demand.count, demand.bytes, limits)) {
    return victims.length > 0 ? { action: 'evict', victims } : { action: 'wait' };
  }
  if (counted.some((resource) => resource.state === 'releasing')) return { action: 'wait' };
  return isYoungestWriter(counted, demand.resourceId) ? { action: 'refuse' } : { action: 'wait' };
}

function leastRecentlyUsed(counted: readonly ResourceRecord[]): ResourceRecord[] {
  return counted
    .filter(isEvictable)
    .toSorted((a, b) => a.lastUsedAt - b.lastUsedAt || compareIds(a.id, b.id));
}

/** A resource without a record yet is younger than all others. */
function isYoungestWriter(counted: readonly ResourceRecord[], resourceId: string): boolean {
  const writers = counted
    .filter((resource) => resource.state === 'writing' && resource.type !== STREAM_TYPE)
    .toSorted(oldestFirst);
  const self = writers.findIndex((writer) => writer.id === resourceId);
  return self === -1 || self === writers.length - 1;
}
