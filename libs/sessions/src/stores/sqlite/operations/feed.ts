import type { DatabaseSync } from 'node:sqlite';
import { NOBODY } from '../../../domain/ids.js';
import { authorityOf } from '../../../domain/session.js';
import type { Feed, FeedGroup, FeedPosition } from '../../../ports/feed.js';
import type { InOneThread } from '../../../ports/store/store-groups.js';
import type { SqliteLedger } from './record/ledger.js';
import {
  authoritiesOf,
  endReasonOf,
  hashOf,
  idOf,
  numberOf,
  sessionStateOf,
  textOrNull,
} from '../database/values.js';

export class SqliteFeed implements InOneThread<FeedGroup> {
  readonly #changes;
  readonly #nodes;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
  ) {
    this.#changes = db.prepare(CHANGES_SQL);
    this.#nodes = db.prepare(NODES_SQL);
  }

  read(position: FeedPosition | null, limit: number): Feed {
    const { counter } = this.ledger.identity();
    if (position === null) return { changes: [], position: String(counter), more: false };
    // A position ahead of the store came from a newer copy of it, so the reader gets all changes again, which is harmless.
    const since = Number(position) <= counter ? Number(position) : 0;
    const rows = this.#changes.all({ since, limit: limit + 1 });
    const read = rows.slice(0, limit);
    const last = read.at(-1);
    return {
      changes: read.map((row) => ({
        id: idOf(row, 'id'),
        state: sessionStateOf(row),
        endReason: endReasonOf(row),
        authority: authorityOf(hashOf(row, 'token_hash')),
        keptAuthorities: authoritiesOf(row, 'kept_authorities'),
        userId: textOrNull(row, 'user_id'),
        otherAddress: textOrNull(row, 'other_address'),
        nodes: row['state'] === 'ending' ? this.#nodesOf(numberOf(row, 'key')) : [],
      })),
      position: String(last === undefined ? since : numberOf(last, 'change')),
      more: rows.length > limit,
    };
  }

  #nodesOf(key: number): string[] {
    return this.#nodes.all({ key }).map((row) => idOf(row, 'node_id'));
  }
}

const CHANGES_SQL = `
  SELECT key, id, state, end_reason, token_hash, kept_authorities, user_id, other_address, change FROM sessions
  WHERE change > :since ORDER BY change LIMIT :limit`;

const NODES_SQL = `
  SELECT node_id FROM ending_parts WHERE session_key = :key AND node_id <> '${NOBODY}' ORDER BY node_id`;
