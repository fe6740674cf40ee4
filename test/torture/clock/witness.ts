import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { filesOnDisk } from '../../support/files-on-disk.ts';
import type { Machine } from './machine.ts';

/** Reads what is in the database and on the disk, beside the servers. */
export class Witness {
  private readonly root: string;
  private readonly machine: Machine;
  private readonly db: DatabaseSync;

  constructor(root: string, machine: Machine) {
    this.root = root;
    this.machine = machine;
    this.db = new DatabaseSync(join(root, 'sessions.db'), { readOnly: true });
  }

  /** The time by the anchor: what every process on this store should say now. */
  now(): number {
    const { wall_ms: wall, monotonic_ms: monotonic, last_seen_at: seen } = this.anchor();
    return Math.max(Number(wall), Number(seen ?? wall)) - Number(monotonic) + this.machine.monotonic();
  }

  /** Whether nothing may be deleted for its age now. */
  isDoubted(): boolean {
    const until = this.db.prepare('SELECT clock_doubted_until AS until FROM store').get()?.['until'];
    return until !== null && Number(until) > this.now();
  }

  /** The newest of all time stamps. */
  newestStamp(): number {
    const row = this.db
      .prepare(
        `SELECT max(
          (SELECT ifnull(max(max(created_at, last_activity_at)), 0) FROM sessions),
          (SELECT ifnull(max(max(created_at, last_used_at)), 0) FROM resources),
          (SELECT ifnull(max(max(at, flushed_through_at)), 0) FROM processes),
          (SELECT ifnull(max(started_at), 0) FROM jobs)) AS newest`,
      )
      .get();
    return Number(row?.['newest']);
  }

  stateOf(sessionId: string): string {
    const id = Buffer.from(sessionId.replaceAll('-', ''), 'hex');
    return String(this.db.prepare('SELECT state FROM sessions WHERE id = ?').get(id)?.['state'] ?? 'gone');
  }

  isOnDisk(sessionId: string, resourceId: string): boolean {
    const [folder, file] = [sessionId, resourceId].map((id) => id.replaceAll('-', '')) as [string, string];
    return existsSync(join(this.root, 's', folder.slice(0, 2), folder, file));
  }

  /** Paths of files of sessions. */
  files(): Promise<string[]> {
    return filesOnDisk(this.root);
  }

  close(): void {
    this.db.close();
  }

  private anchor(): Record<string, unknown> {
    const ofBoot = 'SELECT * FROM clock_anchors WHERE boot_id LIKE ?';
    return this.db.prepare(ofBoot).get(`${this.machine.bootId} %`) ?? {};
  }
}
