const JITTER = 0.5;

/** At least so long, and up to half as much again: not all processes are to knock at the same moment. */
export function jitterMs(leastMs: number): number {
  return leastMs + Math.floor(Math.random() * JITTER * leastMs);
}
