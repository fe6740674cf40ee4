import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

export interface HeldResource {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly bytes: number;
}

export interface Holdings {
  readonly resources: number;
  readonly bytes: number;
}

/** The database of a storage folder, as somebody sees it who only reads, and by SQL of his own. */
export class Database {
  private readonly db: DatabaseSync;

  constructor(root: string) {
    this.db = new DatabaseSync(join(root, 'sessions.db'), { readOnly: true, timeout: 10_000 });
  }

  close(): void {
    this.db.close();
  }

  /** One number of a query without parameters. */
  number(sql: string, ...values: SQLInputValue[]): number {
    return Number(Object.values(this.db.prepare(sql).get(...values) ?? { none: 0 })[0]);
  }

  /** All rows of a query. */
  rows<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.db.prepare(sql).all(...values) as Row[];
  }

  /** What the session says that it holds, and what its resources add up to, in one moment. */
  holdings(sessionId: string): { said: Holdings; summed: Holdings } | null {
    const row = this.db
      .prepare(
        `SELECT resource_count, bytes_used, count(r.key) AS resources, coalesce(sum(r.size_bytes), 0) AS bytes
         FROM sessions s LEFT JOIN resources r ON r.session_key = s.key WHERE s.id = ? GROUP BY s.key`,
      )
      .get(packed(sessionId));
    if (!row) return null;
    return {
      said: { resources: Number(row['resource_count']), bytes: Number(row['bytes_used']) },
      summed: { resources: Number(row['resources']), bytes: Number(row['bytes']) },
    };
  }

  resources(sessionId: string): HeldResource[] {
    return this.rows<HeldResource>(
      `SELECT lower(hex(r.id)) AS id, type, r.state, size_bytes AS bytes
       FROM resources r JOIN sessions s ON r.session_key = s.key WHERE s.id = ?`,
      packed(sessionId),
    );
  }
}

/** A UUID as the store keeps it. */
export function packed(id: string): Uint8Array {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}
