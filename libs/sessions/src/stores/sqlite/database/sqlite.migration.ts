import type { DatabaseSync } from 'node:sqlite';
import { randomBytes, randomUUID } from 'node:crypto';
import { isStillSilent, StoreHeld, type Holder } from '../../../ports/store/store-trouble.js';
import { APPLICATION_ID, FIRST_SCHEMA, SCHEMA } from './schema.js';
import { idOf, numberOf, textOf } from './values.js';

/** Of the key of an HMAC with SHA-256. */
const JOURNAL_KEY_BYTES = 32;

/** The schema that a program with these migrations writes. */
export function schemaWith(migrations: readonly string[]): number {
  return FIRST_SCHEMA + migrations.length;
}

export function versionOf(db: DatabaseSync): number {
  return Number(pragma(db, 'user_version'));
}

export function pragma(db: DatabaseSync, statement: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${statement}`).get() ?? {})[0];
}

/**
 * Creates the schema, or migrates an older one. Reads the version under the lock, so that no process repeats a migration of
 * another. Throws `StoreHeld`, and changes nothing, if the database lists processes beside the `silent` ones: of those that
 * an older schema lists, none can be of this version.
 */
export function migrate(
  db: DatabaseSync,
  migrations: readonly string[],
  silent: readonly Holder[] = [],
): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const version = versionOf(db);
    if (version === 0) create(db);
    else if (version < schemaWith(migrations)) refuseHeld(db, silent);
    const done = Math.max(0, version - FIRST_SCHEMA);
    for (const migration of migrations.slice(done)) db.exec(migration);
    pragma(db, `user_version = ${Math.max(version, schemaWith(migrations))}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function create(db: DatabaseSync): void {
  db.exec(SCHEMA);
  pragma(db, `application_id = ${APPLICATION_ID}`);
  db.prepare('INSERT INTO store (one, generation, journal_key) VALUES (1, :generation, :journalKey)').run({
    generation: randomUUID(),
    journalKey: randomBytes(JOURNAL_KEY_BYTES).toString('base64url'),
  });
}

function refuseHeld(db: DatabaseSync, silent: readonly Holder[]): void {
  const holders = db
    .prepare('SELECT id, at, host, pid FROM processes')
    .all()
    .map((row) => ({
      processId: idOf(row, 'id'),
      at: numberOf(row, 'at'),
      host: textOf(row, 'host'),
      pid: numberOf(row, 'pid'),
    }));
  if (!holders.every((holder) => isStillSilent(holder, silent))) throw new StoreHeld(holders);
}
