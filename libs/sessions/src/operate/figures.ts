import type { StoreTotals, TypeTotals } from '../ports/session-store.js';

/** How many sessions are over, for whatever reason. */
export function endedSessions({ ended }: StoreTotals): number {
  return Object.values(ended).reduce((sum, sessions) => sum + sessions, 0);
}

/** How long a session lived, on average of those that are over; 0 while there is none. */
export function averageDurationMs(totals: StoreTotals): number {
  const ended = endedSessions(totals);
  return ended === 0 ? 0 : totals.endedDurationMs / ended;
}

/** One of the figures of each resource type, over all types. */
export function sumOfTypes({ types }: StoreTotals, figure: Exclude<keyof TypeTotals, 'type'>): number {
  return types.reduce((sum, type) => sum + type[figure], 0);
}
