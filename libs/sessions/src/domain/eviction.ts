import { compareIds } from './ids.js';
import { fits, sumOf, type Amount, type ResourceLimits } from './limits.js';
import { accountOf, isEvictable, oldestFirst, STREAM_TYPE, type ResourceRecord } from './resource.js';

/** A resource that may be evicted, provided that it has not been used since. */
export type Candidate = Pick<ResourceRecord, 'id' | 'lastUsedAt'>;

/** The resources of a session that may be evicted, in the order in which they go: the least recently used first. */
export function evictionOrder(all: readonly ResourceRecord[]): Candidate[] {
  return all
    .filter(isEvictable)
    .toSorted((a, b) => a.lastUsedAt - b.lastUsedAt || compareIds(a.id, b.id))
    .map(({ id, lastUsedAt }) => ({ id, lastUsedAt }));
}

/** Whether a candidate, as it is now, may still be evicted. */
export function isStillEvictable(resource: ResourceRecord, candidate: Candidate): boolean {
  return isEvictable(resource) && resource.lastUsedAt === candidate.lastUsedAt;
}

/** The first victims that make room for `more` beside `inPlace`, no more than it needs; `null` if all are not enough. */
export function victimsFor<Victim extends Pick<ResourceRecord, 'sizeBytes'>>(
  inPlace: Amount,
  more: Amount,
  evictable: Iterable<Victim>,
  limits: ResourceLimits,
): Victim[] | null {
  let held = inPlace;
  const victims: Victim[] = [];
  if (fits(held, more, limits)) return victims;
  for (const victim of evictable) {
    victims.push(victim);
    held = sumOf([held, { resources: -1, bytes: -victim.sizeBytes }]);
    if (fits(held, more, limits)) return victims;
  }
  return null;
}

/**
 * The file that is cancelled for another one, `resourceId`, which waits for room on the way in: of those that have received
 * nothing since `since` or longer, the one for the longest time; `null` for none.
 */
export function longestStalled(
  all: readonly ResourceRecord[],
  resourceId: string,
  since: number,
): ResourceRecord | null {
  const stalled = all
    .filter(({ id, state }) => id !== resourceId && state === 'writing')
    .flatMap((resource) =>
      resource.stalledSince !== null && resource.stalledSince <= since
        ? [{ resource, stalledSince: resource.stalledSince }]
        : [],
    )
    .toSorted((a, b) => a.stalledSince - b.stalledSince || compareIds(a.resource.id, b.resource.id));
  return stalled[0]?.resource ?? null;
}

/**
 * Whether a file that waits for room on the way in is the one to give up: the youngest of those being written, so that the
 * others can finish. A file without a record yet is younger than all others. None gives up while a release is under way.
 */
export function givesWay(all: readonly ResourceRecord[], resourceId: string): boolean {
  const files = all.filter(({ type }) => type !== STREAM_TYPE);
  if (files.some((resource) => accountOf(resource) === 'outgoing')) return false;
  const writers = files.filter(({ state }) => state === 'writing').toSorted(oldestFirst);
  const self = writers.findIndex(({ id }) => id === resourceId);
  return self === -1 || self === writers.length - 1;
}
