import { createHash } from 'node:crypto';

/** A prime: what is missing, doubled or misplaced shows wherever it begins. */
const PERIOD = 31;

/** The bytes of a file: its seed and its size tell all of them, so that whoever finds it knows what it has to hold. */
export function contentOf(seed: string, sizeBytes: number): Buffer {
  const pattern = createHash('sha256').update(seed).digest().subarray(0, PERIOD);
  return sizeBytes === 0 ? Buffer.alloc(0) : Buffer.alloc(sizeBytes, pattern);
}
