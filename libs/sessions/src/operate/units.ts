/** An instant as operators read it: ISO 8601 in UTC. */
export function timeOf(instant: number): string {
  return new Date(instant).toISOString();
}

/** Seconds, to the millisecond. */
export function secondsOf(ms: number): number {
  return Math.round(ms) / 1000;
}

/** Whole seconds. */
export function secondsBetween(from: number, to: number): number {
  return Math.max(0, Math.floor((to - from) / 1000));
}
