import { lstatSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

/** Every row and every file, by a name of its own. */
export type Dump = ReadonlyMap<string, string>;

/** Heartbeats, jobs, counts by minute and what operators did change by themselves. */
const LIVELY = new Set([
  'processes',
  'nodes',
  'trends',
  'trend_batches',
  'clock_anchors',
  'jobs',
  'job_troubles',
  'audit',
]);
const LIVELY_COLUMNS = new Set(['seen_at', 'audit_bytes']);

/** What databases and folders hold, but for what is in motion anyway. */
export function dumpOf(db: DatabaseSync, root: string): Dump {
  const dump = new Map<string, string>();
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  for (const { name } of tables) {
    if (LIVELY.has(String(name))) continue;
    for (const [key, row] of rowsOf(db, String(name))) dump.set(`${String(name)} ${key}`, row);
  }
  addFiles(dump, root);
  return dump;
}

/** The files of sessions, with mode and size. */
export function addFiles(dump: Map<string, string>, root: string): void {
  for (const path of entriesBelow(join(root, 's'))) {
    const stat = lstatSync(path);
    const size = stat.isFile() ? stat.size : '';
    dump.set(fileName(root, path), `${(stat.mode & 0o7777).toString(8)} ${size}`);
  }
}

export function fileName(root: string, path: string): string {
  return `file ${relative(root, path)}`;
}

/** The names of what differs. */
export function differences(before: Dump, after: Dump): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name));
}

function* rowsOf(db: DatabaseSync, table: string): Generator<[string, string]> {
  const columns = db.prepare(`PRAGMA table_info("${table}")`).all();
  const keys = columns.filter(({ pk }) => Number(pk) > 0).map(({ name }) => String(name));
  for (const row of db.prepare(`SELECT * FROM "${table}"`).all()) {
    const values = Object.entries(row).filter(([column]) => !LIVELY_COLUMNS.has(column));
    const text = JSON.stringify(values, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    );
    const key = keys.map((column) => valueText(row[column])).join(':');
    yield [key, text];
  }
}

function valueText(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}

function entriesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...entriesBelow(path)] : [path];
  });
}
