import type { DatabaseSync } from 'node:sqlite';
import { dataBytesOf } from '../../../domain/limits.js';
import { isStale, type Authority } from '../../../domain/session.js';
import {
  REPEATED_MS,
  type DataChange,
  type DataGroup,
  type DataLimits,
  type DataRead,
  type DataWrite,
} from '../../../ports/data.js';
import type { Refused } from '../../../ports/sessions.js';
import type { InOneThread } from '../../../ports/store/store-groups.js';
import { numberOf, packId, sessionOf, textOf, type Row } from '../database/values.js';

export class SqliteData implements InOneThread<DataGroup> {
  readonly #find;
  readonly #values;
  readonly #value;
  readonly #count;
  readonly #set;
  readonly #remove;
  readonly #drop;
  readonly #setBytes;
  readonly #isKnown;
  readonly #know;
  readonly #forget;

  constructor(db: DatabaseSync) {
    this.#find = db.prepare("SELECT * FROM sessions WHERE id = :id AND state = 'open'");
    this.#values = db.prepare('SELECT key, json FROM session_data WHERE session_key = :session');
    this.#value = db.prepare('SELECT json FROM session_data WHERE session_key = :session AND key = :key');
    this.#count = db.prepare('SELECT count(*) AS keys FROM session_data WHERE session_key = :session');
    this.#set = db.prepare(`
      INSERT INTO session_data (session_key, key, json) VALUES (:session, :key, :json)
      ON CONFLICT (session_key, key) DO UPDATE SET json = excluded.json`);
    this.#remove = db.prepare('DELETE FROM session_data WHERE session_key = :session AND key = :key');
    this.#drop = db.prepare('DELETE FROM session_data WHERE session_key = :session');
    this.#setBytes = db.prepare('UPDATE sessions SET data_bytes = :bytes WHERE key = :session');
    this.#isKnown = db.prepare('SELECT 1 FROM data_writes WHERE operation = :operation');
    this.#know = db.prepare('INSERT INTO data_writes (operation, at) VALUES (:operation, :at)');
    this.#forget = db.prepare('DELETE FROM data_writes WHERE at <= :before');
  }

  read(sessionId: string, authority: Authority | null): DataRead | 'stale' | null {
    const row = this.#find.get({ id: packId(sessionId) });
    if (row === undefined) return null;
    const session = sessionOf(row);
    if (isStale(session, authority)) return 'stale';
    const found = session.dataBytes > 0 ? this.#values.all({ session: numberOf(row, 'key') }) : [];
    return {
      session,
      values: found.map((value) => ({ key: textOf(value, 'key'), json: textOf(value, 'json') })),
    };
  }

  write(
    sessionId: string,
    authority: Authority | null,
    { operation, at, changes, limits }: DataWrite,
  ): 'done' | 'changed' | 'too_large' | 'too_many' | Refused {
    const row = this.#find.get({ id: packId(sessionId) });
    if (row === undefined) return 'gone';
    const session = numberOf(row, 'key');
    if (this.#isKnown.get({ operation }) !== undefined) return 'done';
    if (isStale(sessionOf(row), authority)) return 'stale';
    const bytes = this.#admit(row, changes, limits);
    if (typeof bytes === 'string') return bytes;
    for (const { key, json } of changes) {
      if (json === null) this.#remove.run({ session, key });
      else this.#set.run({ session, key, json });
    }
    this.#setBytes.run({ session, bytes });
    this.forgetWrites(at);
    this.#know.run({ operation, at });
    return 'done';
  }

  /** Deletes the data of a session, whose record the caller corrects. */
  drop(session: number): void {
    this.#drop.run({ session });
  }

  /** Deletes the data of an open session. */
  clear(sessionId: string): void {
    const session = numberOf(this.#find.get({ id: packId(sessionId) }) ?? {}, 'key');
    this.drop(session);
    this.#setBytes.run({ session, bytes: 0 });
  }

  forgetWrites(at: number): void {
    this.#forget.run({ before: at - REPEATED_MS });
  }

  /** The bytes after the changes, or why they are refused. */
  #admit(
    row: Row,
    changes: readonly DataChange[],
    { maxBytes, maxKeys }: DataLimits,
  ): number | 'changed' | 'too_large' | 'too_many' {
    const session = numberOf(row, 'key');
    const before = numberOf(row, 'data_bytes');
    let bytes = before;
    let newKeys = 0;
    for (const { key, json, expected } of changes) {
      const held = this.#json(session, key);
      if (expected !== undefined && expected !== held) return 'changed';
      bytes += dataBytesOf(key, json) - dataBytesOf(key, held);
      newKeys += Number(json !== null) - Number(held !== null);
    }
    if (bytes > before && bytes > maxBytes) return 'too_large';
    const isMore = newKeys > 0 && numberOf(this.#count.get({ session }) ?? {}, 'keys') + newKeys > maxKeys;
    return isMore ? 'too_many' : bytes;
  }

  #json(session: number, key: string): string | null {
    const row = this.#value.get({ session, key });
    return row === undefined ? null : textOf(row, 'json');
  }
}
