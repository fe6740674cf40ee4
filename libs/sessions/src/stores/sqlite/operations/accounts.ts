import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Accounts, Amount } from '../../../domain/limits.js';
import { accountOf, STREAM_TYPE, type ResourceRecord } from '../../../domain/resource.js';
import { numberOf, type Row } from '../database/values.js';

/** What an account counts of a resource. */
type Counted = Pick<ResourceRecord, 'type' | 'state' | 'overdrawn' | 'sizeBytes'>;

/** Additions to the columns of a session. */
interface Change extends Record<string, SQLInputValue> {
  readonly count: number;
  readonly bytes: number;
  readonly streams: number;
  readonly incoming: number;
  readonly incomingBytes: number;
}

const NOTHING: Change = { count: 0, bytes: 0, streams: 0, incoming: 0, incomingBytes: 0 };

/** Keeps what each session has in place and on its way in. What is on its way out is counted from the resources. */
export class SqliteAccounts {
  readonly #add;
  readonly #outgoing;
  readonly #overdrawn;

  constructor(db: DatabaseSync) {
    this.#add = db.prepare(`
      UPDATE sessions SET
        resource_count = resource_count + :count, bytes_used = bytes_used + :bytes,
        stream_count = stream_count + :streams,
        incoming_count = incoming_count + :incoming, incoming_bytes = incoming_bytes + :incomingBytes
      WHERE key = :key`);
    this.#outgoing = db.prepare(`
      SELECT count(*) AS resources, total(size_bytes) AS bytes
      FROM resources WHERE session_key = :key AND node_id = :node AND state = 'releasing'`);
    this.#overdrawn = db.prepare(
      'SELECT 1 FROM resources WHERE session_key = :key AND overdrawn_at IS NOT NULL LIMIT 1',
    );
  }

  /** Moves resources from the accounts that count them as `before` to those that count them as `after`. */
  move(sessionKey: number, before: readonly Counted[], after: readonly Counted[]): void {
    const sum = { ...NOTHING };
    for (const [resources, sign] of [
      [before, -1],
      [after, 1],
    ] as const) {
      for (const resource of resources) {
        const change = changeOf(resource);
        for (const name of Object.keys(NOTHING)) sum[name] = Number(sum[name]) + sign * Number(change[name]);
      }
    }
    this.#add.run({ key: sessionKey, ...sum });
  }

  /** The accounts of a session, by its row; what is on its way out, of one node. */
  of(session: Row, node: SQLInputValue): Accounts {
    const outgoing = this.#outgoing.get({ key: numberOf(session, 'session_key'), node }) ?? {};
    return {
      inPlace: filesInPlace(session),
      incoming: {
        resources: numberOf(session, 'incoming_count'),
        bytes: numberOf(session, 'incoming_bytes'),
      },
      outgoing: { resources: numberOf(outgoing, 'resources'), bytes: numberOf(outgoing, 'bytes') },
    };
  }

  hasOverdrawn(sessionKey: number): boolean {
    return this.#overdrawn.get({ key: sessionKey }) !== undefined;
  }
}

export function filesInPlace(session: Row): Amount {
  return {
    resources: numberOf(session, 'resource_count') - numberOf(session, 'stream_count'),
    bytes: numberOf(session, 'bytes_used'),
  };
}

function changeOf(resource: Counted): Change {
  const { type, sizeBytes } = resource;
  switch (accountOf(resource)) {
    case 'inPlace':
      return { ...NOTHING, count: 1, bytes: sizeBytes, streams: Number(type === STREAM_TYPE) };
    case 'incoming':
      return { ...NOTHING, incoming: 1, incomingBytes: sizeBytes };
    case 'outgoing':
      return NOTHING;
  }
}
