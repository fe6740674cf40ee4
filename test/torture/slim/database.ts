import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';

const SHA256_BYTES = 32;

export interface SessionRow {
  readonly id: string;
  /** SHA-256 of its token, base64url: what its hash ends with. */
  readonly token: string;
  readonly state: string;
  readonly userId: string | null;
  readonly resourceCount: number;
  readonly bytesUsed: number;
  readonly endReason: string | null;
  readonly loggedInAt: number | null;
  readonly userHash: string | null;
}

/** An entry of a timeline. */
export interface EntryRow {
  readonly at: number;
  readonly kind: string;
  readonly reason?: string;
  readonly userHash?: string;
  readonly resourceId?: string;
}

export interface ResourceRow {
  readonly id: string;
  readonly sessionId: string;
  readonly type: string;
  readonly fileName: string | null;
  readonly state: string;
  readonly sizeBytes: number;
  readonly uses: number;
}

export interface TypeRow {
  readonly type: string;
  readonly active: number;
  readonly activeBytes: number;
}

export interface Records {
  /** `ok` for a database that is whole. */
  readonly integrity: string;
  readonly sessions: readonly SessionRow[];
  readonly resources: readonly ResourceRow[];
  readonly uses: number;
  readonly open: number;
  readonly ending: number;
  readonly types: readonly TypeRow[];
  /** The timeline of each session, by its id, as it was written. */
  readonly timelines: ReadonlyMap<string, readonly EntryRow[]>;
  /** Evictions that were ever counted. */
  readonly evicted: number;
}

/** Everything in a database, read with nothing of the library. */
export function readRecords(path: string): Records {
  const db = new DatabaseSync(path, { timeout: 5000 });
  try {
    db.exec('BEGIN');
    const all = <T>(sql: string): T[] => db.prepare(sql).all() as unknown as T[];
    const one = (sql: string): SQLOutputValue => Object.values(db.prepare(sql).get() ?? {})[0] ?? null;
    return {
      integrity: String(one('PRAGMA integrity_check')),
      sessions: all<SessionRow & { id: Uint8Array; token: Uint8Array }>(
        `SELECT id, token_hash AS token, state, user_id AS userId, resource_count AS resourceCount, bytes_used AS bytesUsed,
           end_reason AS endReason, logged_in_at AS loggedInAt, user_hash AS userHash
         FROM sessions`,
      ).map((row) => ({
        ...row,
        id: uuidOf(row.id),
        token: Buffer.from(row.token.subarray(-SHA256_BYTES)).toString('base64url'),
      })),
      resources: all<ResourceRow & { id: Uint8Array; sessionId: Uint8Array }>(
        `SELECT resources.id, sessions.id AS sessionId, type, file_name AS fileName, resources.state,
           size_bytes AS sizeBytes, uses
         FROM resources LEFT JOIN sessions ON sessions.key = session_key`,
      ).map((row) => ({ ...row, id: uuidOf(row.id), sessionId: uuidOf(row.sessionId) })),
      uses: Number(one('SELECT count(*) FROM uses')),
      open: Number(one('SELECT open FROM store')),
      ending: Number(one('SELECT ending FROM store')),
      types: all<TypeRow>('SELECT type, active, active_bytes AS activeBytes FROM type_totals'),
      timelines: timelinesOf(
        all<JournalRow>(
          `SELECT sessions.id, text FROM journal JOIN sessions ON sessions.key = session_key ORDER BY journal.key`,
        ),
      ),
      evicted: Number(one('SELECT total(evicted) FROM type_totals')),
    };
  } finally {
    db.close();
  }
}

interface JournalRow {
  readonly id: Uint8Array;
  readonly text: string;
}

function timelinesOf(rows: readonly JournalRow[]): Map<string, EntryRow[]> {
  const timelines = new Map<string, EntryRow[]>();
  for (const { id, text } of rows) {
    const known = timelines.get(uuidOf(id)) ?? [];
    timelines.set(uuidOf(id), [...known, ...(JSON.parse(text) as EntryRow[])]);
  }
  return timelines;
}

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Sessions that are due, or will be within a minute. */
export function dueSoon(path: string): string[] {
  const db = new DatabaseSync(path, { timeout: 5000 });
  try {
    const monotonicMs = Number(process.hrtime.bigint()) / 1e6;
    const due = db.prepare(`
      SELECT sessions.id FROM sessions, clock_anchors WHERE state = 'open'
        AND min(idle_ends_at, expires_at) <= wall_ms - monotonic_ms + ? + 60000`);
    return due.all(monotonicMs).map((row) => uuidOf(row['id'] as Uint8Array));
  } finally {
    db.close();
  }
}
