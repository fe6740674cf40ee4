import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

export interface HeldResource {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly bytes: number;
}

export interface Holdings {
  /** Files in place. */
  readonly resources: number;
  readonly bytes: number;
  /** Files on their way in. */
  readonly incoming: number;
  readonly incomingBytes: number;
}

const IN_PLACE = "r.state = 'ready' AND r.overdrawn_at IS NULL";
const INCOMING = `r.state <> 'releasing' AND NOT (${IN_PLACE})`;

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
        `SELECT resource_count, bytes_used, incoming_count, incoming_bytes,
           count(r.key) FILTER (WHERE ${IN_PLACE}) AS resources,
           total(r.size_bytes) FILTER (WHERE ${IN_PLACE}) AS bytes,
           count(r.key) FILTER (WHERE ${INCOMING}) AS incoming,
           total(r.size_bytes) FILTER (WHERE ${INCOMING}) AS incomingBytes
         FROM sessions s LEFT JOIN resources r ON r.session_key = s.key WHERE s.id = ? GROUP BY s.key`,
      )
      .get(packed(sessionId));
    if (!row) return null;
    const holdings = (...names: readonly [string, string, string, string]): Holdings => {
      const [resources = 0, bytes = 0, incoming = 0, incomingBytes = 0] = names.map((name) =>
        Number(row[name]),
      );
      return { resources, bytes, incoming, incomingBytes };
    };
    return {
      said: holdings('resource_count', 'bytes_used', 'incoming_count', 'incoming_bytes'),
      summed: holdings('resources', 'bytes', 'incoming', 'incomingBytes'),
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
