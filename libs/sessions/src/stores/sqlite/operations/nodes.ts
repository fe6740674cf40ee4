import type { DatabaseSync } from 'node:sqlite';
import type { Heartbeat, NodeRecord, Released } from '../../../ports/session-store.js';
import type { SqliteEndings } from './endings.js';
import { idOf, numberOf, packId, textOrNull } from './values.js';

/** The nodes that files lie on. */
export class SqliteNodes {
  readonly #find;
  readonly #see;
  readonly #adopt;
  readonly #list;
  readonly #drop;
  readonly #awaiting;
  readonly #holding;

  constructor(
    db: DatabaseSync,
    private readonly endings: SqliteEndings,
  ) {
    this.#find = db.prepare('SELECT last_seen_at FROM nodes WHERE id = :id');
    this.#see = db.prepare(`
      INSERT INTO nodes (id, address, last_seen_at) VALUES (:id, iif(:isServer, :address, NULL), :at)
      ON CONFLICT (id) DO UPDATE SET
        address = iif(:isServer, :address, address), last_seen_at = max(last_seen_at, :at)`);
    this.#adopt = db.prepare("UPDATE resources SET node_id = :id WHERE node_id IS NULL AND type <> 'stream'");
    this.#list = db.prepare(`
      SELECT nodes.*, (SELECT count(*) FROM resources WHERE resources.node_id = nodes.id) AS resources
      FROM nodes ORDER BY id`);
    this.#drop = db.prepare('DELETE FROM nodes WHERE id = :id');
    this.#awaiting = db.prepare(`
      SELECT sessions.id FROM ending_parts JOIN sessions ON sessions.key = ending_parts.session_key
      WHERE ending_parts.node_id = :id`);
    this.#holding = db.prepare(`
      SELECT DISTINCT sessions.id FROM resources JOIN sessions ON sessions.key = resources.session_key
      WHERE resources.node_id = :id`);
  }

  see({ nodeId, role, address, at }: Heartbeat): void {
    const id = packId(nodeId);
    // Files of the time before there were nodes lie beside the database, in the one root there was.
    if (this.#find.get({ id }) === undefined) this.#adopt.run({ id });
    this.#see.run({ id, isServer: Number(role === 'server'), address, at });
  }

  list(): NodeRecord[] {
    return this.#list.all().map((row) => ({
      nodeId: idOf(row, 'id'),
      address: textOrNull(row, 'address'),
      lastSeenAt: numberOf(row, 'last_seen_at'),
      resources: numberOf(row, 'resources'),
    }));
  }

  forget(nodeId: string, silentSince: number, at: number): Released | null {
    const id = packId(nodeId);
    const node = this.#find.get({ id });
    if (node === undefined || numberOf(node, 'last_seen_at') > silentSince) return null;
    this.#drop.run({ id });
    const ends = this.#awaiting.all({ id }).map((row) => this.endings.finishEnd(idOf(row, 'id'), nodeId, at));
    const rest = this.#holding.all({ id }).map((row) => this.endings.dropFiles(idOf(row, 'id'), nodeId));
    return [...ends, ...rest].reduce(
      (sum, { resources, bytes }) => ({ resources: sum.resources + resources, bytes: sum.bytes + bytes }),
      { resources: 0, bytes: 0 },
    );
  }
}
