import type { StoreTotals, TypeTotals } from '../ports/store/session-store.js';

/** Sessions ended, for any reason. */
export function endedSessions({ ended }: StoreTotals): number {
  return Object.values(ended).reduce((sum, sessions) => sum + sessions, 0);
}

/** Average duration of ended sessions, in milliseconds; 0 if there are none. */
export function averageDurationMs(totals: StoreTotals): number {
  const ended = endedSessions(totals);
  return ended === 0 ? 0 : totals.endedDurationMs / ended;
}

/** One figure, summed over all resource types. */
export function sumOfTypes({ types }: StoreTotals, figure: Exclude<keyof TypeTotals, 'type'>): number {
  return types.reduce((sum, type) => sum + type[figure], 0);
}
