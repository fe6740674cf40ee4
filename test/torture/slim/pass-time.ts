import { DatabaseSync } from 'node:sqlite';

/**
 * Lets time pass for everybody on this store, without waiting: the moment that its time is counted from is moved back.
 * To be called while no process runs on it, or before the one that calls has asked for the time.
 */
export function passTime(databasePath: string, ms: number): void {
  if (ms === 0) return;
  const db = new DatabaseSync(databasePath, { timeout: 5000 });
  try {
    db.prepare('UPDATE clock_anchors SET wall_ms = wall_ms + ?').run(ms);
  } finally {
    db.close();
  }
}
