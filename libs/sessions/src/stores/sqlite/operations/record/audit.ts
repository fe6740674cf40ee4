import type { DatabaseSync } from 'node:sqlite';
import { SessionsError } from '../../../../domain/errors.js';
import {
  AUDIT_MAX_BYTES,
  MOST_WRONG_TOKENS,
  type AuditEntry,
  type WrongTokens,
} from '../../../../domain/journal/audit-entry.js';
import type { AuditGroup, AuditPage, AuditPosition, AuditQuery } from '../../../../ports/record/audit.js';
import type { InOneThread } from '../../../../ports/store/store-groups.js';
import { numberOf, textOf, type Row } from '../../database/values.js';
import type { SqliteLedger } from './ledger.js';

const MINUTE_MS = 60_000;

export class SqliteAudit implements InOneThread<AuditGroup> {
  readonly #insert;
  readonly #oldest;
  readonly #drop;
  readonly #page;
  readonly #countToken;
  readonly #dropTokens;
  readonly #tokens;
  readonly #pruneEntries;
  readonly #pruneTokens;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
  ) {
    this.#insert = db.prepare('INSERT INTO audit (at, text) VALUES (:at, :text)');
    this.#oldest = db.prepare('SELECT key FROM audit ORDER BY at, key LIMIT 1');
    this.#drop = db.prepare('DELETE FROM audit WHERE key = :key');
    this.#page = db.prepare(`
      SELECT key, at, text FROM audit
      WHERE at >= :from AND at < :to AND at <= :afterAt AND (at < :afterAt OR key < :afterKey)
      ORDER BY at DESC, key DESC LIMIT :limit`);
    this.#countToken = db.prepare(`
      INSERT INTO wrong_tokens (minute_at, network, count) VALUES (:minuteAt, :network, 1)
      ON CONFLICT (minute_at, network) DO UPDATE SET count = count + 1`);
    this.#dropTokens = db.prepare(`
      DELETE FROM wrong_tokens WHERE (minute_at, network) IN (
        SELECT minute_at, network FROM wrong_tokens
        ORDER BY minute_at DESC, network LIMIT -1 OFFSET ${MOST_WRONG_TOKENS})`);
    this.#tokens = db.prepare('SELECT * FROM wrong_tokens ORDER BY minute_at DESC, network');
    this.#pruneEntries = db.prepare('DELETE FROM audit WHERE at < :before');
    this.#pruneTokens = db.prepare('DELETE FROM wrong_tokens WHERE minute_at < :before');
  }

  append(entry: AuditEntry): void {
    this.#insert.run({ at: entry.at, text: JSON.stringify(entry) });
    while (numberOf(this.ledger.row(), 'audit_bytes') > AUDIT_MAX_BYTES) {
      this.#drop.run({ key: numberOf(this.#oldest.get() ?? {}, 'key') });
    }
  }

  read({ from, to, limit, after }: AuditQuery): AuditPage {
    const [afterAt, afterKey] = after ? placeAt(after) : [to, 0];
    const rows = this.#page.all({ from, to, afterAt, afterKey, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      entries: page.map(entryOf),
      next: last === undefined || rows.length === page.length ? null : positionOf(last),
    };
  }

  countWrongToken(network: string, at: number): void {
    this.#countToken.run({ network, minuteAt: Math.floor(at / MINUTE_MS) * MINUTE_MS });
    this.#dropTokens.run();
  }

  listWrongTokens(): WrongTokens[] {
    return this.#tokens.all().map((row) => ({
      minuteAt: numberOf(row, 'minute_at'),
      network: textOf(row, 'network'),
      count: numberOf(row, 'count'),
    }));
  }

  prune(before: number): number {
    const entries = Number(this.#pruneEntries.run({ before }).changes);
    return entries + Number(this.#pruneTokens.run({ before }).changes);
  }
}

function entryOf(row: Row): AuditEntry {
  return JSON.parse(textOf(row, 'text')) as AuditEntry;
}

function positionOf(row: Row): AuditPosition {
  return `${numberOf(row, 'at')}.${numberOf(row, 'key')}`;
}

function placeAt(position: AuditPosition): [at: number, key: number] {
  const [at, key, ...rest] = position.split('.').map(Number);
  const isWhole = [at, key].every(Number.isSafeInteger);
  if (at === undefined || key === undefined || !isWhole || rest.length > 0)
    throw new SessionsError(
      'INVALID_ARGUMENT',
      'audit.read(): unknown position: pass the `next` of a page of this store.',
    );
  return [at, key];
}
