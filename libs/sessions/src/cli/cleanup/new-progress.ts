import type { CleanupProgress } from './cleanup-progress.js';

/** Imports cli-progress only if somebody sees the bar. */
export async function newProgress(): Promise<CleanupProgress> {
  const { CleanupProgress } = await import('./cleanup-progress.js');
  return new CleanupProgress();
}
