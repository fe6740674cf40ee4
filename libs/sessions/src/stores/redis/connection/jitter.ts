const JITTER = 0.5;

/** `leastMs` plus a random 0 to 50 %, so that processes do not retry at the same moment. */
export function jitterMs(leastMs: number): number {
  return leastMs + Math.floor(Math.random() * JITTER * leastMs);
}
