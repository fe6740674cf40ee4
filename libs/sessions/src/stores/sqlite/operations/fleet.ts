import type { DatabaseSync } from 'node:sqlite';
import { oldestFirst, type ResourceRecord } from '../../../domain/resource.js';
import { totalReleased, type Released } from '../../../ports/endings.js';
import { PROCESS_ROLES, type FleetGroup, type Heartbeat, type NodeRecord } from '../../../ports/fleet.js';
import type { SqliteEndings } from './endings.js';
import type { InOneThread } from '../../../ports/store/store-groups.js';
import type { SqliteLedger } from './record/ledger.js';
import type { SqliteReleases } from './releases.js';
import type { SqliteTrends } from './record/trends.js';
import { idOf, numberOf, oneOf, packId, resourceOf, textOf, textOrNull } from '../database/values.js';

export class SqliteFleet implements InOneThread<FleetGroup> {
  readonly #isListed;
  readonly #beat;
  readonly #processes;
  readonly #drop;
  readonly #voidUses;
  readonly #dropUses;
  readonly #held;
  readonly #findNode;
  readonly #seeNode;
  readonly #nodes;
  readonly #dropNode;
  readonly #awaiting;
  readonly #holding;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
    private readonly endings: SqliteEndings,
    private readonly releases: SqliteReleases,
    private readonly trends: SqliteTrends,
  ) {
    this.#isListed = db.prepare('SELECT 1 FROM processes WHERE id = :id');
    this.#beat = db.prepare(`
      INSERT INTO processes (
        id, role, host, pid, at, flushed_through_at, node_id, address, beacon, key_ids, version, started_at, limits, disk
      )
      VALUES (
        :id, :role, :host, :pid, :at, :flushedThroughAt, :node, :address, :beacon, :keyIds, :version, :startedAt, :limits,
        :disk
      )
      ON CONFLICT (id) DO UPDATE SET
        role = excluded.role,
        host = excluded.host,
        pid = excluded.pid,
        node_id = excluded.node_id,
        address = excluded.address,
        beacon = excluded.beacon,
        key_ids = excluded.key_ids,
        version = excluded.version,
        started_at = excluded.started_at,
        limits = excluded.limits,
        disk = excluded.disk,
        at = max(at, excluded.at),
        flushed_through_at = max(flushed_through_at, excluded.flushed_through_at)`);
    this.#processes = db.prepare('SELECT * FROM processes ORDER BY id');
    this.#drop = db.prepare('DELETE FROM processes WHERE id = :id AND at <= :silentSince');
    this.#voidUses = db.prepare(`
      UPDATE resources SET uses = resources.uses - dropped.count
      FROM (SELECT resource_key, count FROM uses WHERE process_id = :id) AS dropped
      WHERE resources.key = dropped.resource_key`);
    this.#dropUses = db.prepare('DELETE FROM uses WHERE process_id = :id');
    this.#held = db.prepare(`
      SELECT resources.*, sessions.id AS session_id
      FROM resources JOIN sessions ON sessions.key = resources.session_key
      WHERE resources.process_id = :id AND resources.state <> 'releasing'`);
    this.#findNode = db.prepare('SELECT last_seen_at FROM nodes WHERE id = :id');
    this.#seeNode = db.prepare(`
      INSERT INTO nodes (id, address, last_seen_at) VALUES (:id, iif(:isServer, :address, NULL), :at)
      ON CONFLICT (id) DO UPDATE SET
        address = iif(:isServer, :address, address), last_seen_at = max(last_seen_at, :at)`);
    this.#nodes = db.prepare(`
      SELECT nodes.*, (SELECT count(*) FROM resources WHERE resources.node_id = nodes.id) AS resources
      FROM nodes ORDER BY id`);
    this.#dropNode = db.prepare('DELETE FROM nodes WHERE id = :id');
    this.#awaiting = db.prepare(`
      SELECT sessions.id FROM ending_parts JOIN sessions ON sessions.key = ending_parts.session_key
      WHERE ending_parts.node_id = :id`);
    this.#holding = db.prepare(`
      SELECT DISTINCT sessions.id FROM resources JOIN sessions ON sessions.key = resources.session_key
      WHERE resources.node_id = :id`);
  }

  heartbeat(beat: Heartbeat): boolean {
    const { processId, nodeId, keyIds, limits, disk, ...rest } = beat;
    const isListed = this.#isListed.get({ id: packId(processId) }) !== undefined;
    this.#beat.run({
      id: packId(processId),
      node: packId(nodeId),
      keyIds: keyIds.join(),
      limits: JSON.stringify(limits),
      disk: disk && JSON.stringify(disk),
      ...rest,
    });
    this.#seeNode.run({
      id: packId(nodeId),
      isServer: Number(beat.role === 'server'),
      address: beat.address,
      at: beat.at,
    });
    this.ledger.see(beat.at);
    return isListed;
  }

  listProcesses(): Heartbeat[] {
    return this.#processes.all().map((row) => ({
      processId: idOf(row, 'id'),
      role: oneOf(row, 'role', PROCESS_ROLES),
      host: textOf(row, 'host'),
      pid: numberOf(row, 'pid'),
      at: numberOf(row, 'at'),
      flushedThroughAt: numberOf(row, 'flushed_through_at'),
      nodeId: idOf(row, 'node_id'),
      address: textOrNull(row, 'address'),
      beacon: textOrNull(row, 'beacon'),
      keyIds: textOf(row, 'key_ids').split(',').filter(Boolean),
      version: textOf(row, 'version'),
      startedAt: numberOf(row, 'started_at'),
      limits: JSON.parse(textOf(row, 'limits')),
      disk: JSON.parse(textOrNull(row, 'disk') ?? 'null'),
    }));
  }

  dropProcess(processId: string, silentSince: number): boolean {
    const id = packId(processId);
    if (this.#drop.run({ id, silentSince }).changes === 0) return false;
    this.ledger.forgetTroubles(processId);
    this.trends.forgetProcess(processId);
    this.giveUp(processId);
    return true;
  }

  /** Ends the uses of a process that is not listed, and gives up its streams and its files that are not placed. */
  giveUp(processId: string): void {
    const id = packId(processId);
    this.#voidUses.run({ id });
    this.#dropUses.run({ id });
    for (const row of this.#held.all({ id })) this.releases.mark(row, null);
  }

  listHeld(processId: string): ResourceRecord[] {
    return this.#held
      .all({ id: packId(processId) })
      .map(resourceOf)
      .toSorted(oldestFirst);
  }

  listNodes(): NodeRecord[] {
    return this.#nodes.all().map((row) => ({
      nodeId: idOf(row, 'id'),
      address: textOrNull(row, 'address'),
      lastSeenAt: numberOf(row, 'last_seen_at'),
      resources: numberOf(row, 'resources'),
    }));
  }

  forgetNode(nodeId: string, silentSince: number, at: number): Released | null {
    const id = packId(nodeId);
    const node = this.#findNode.get({ id });
    if (node === undefined || numberOf(node, 'last_seen_at') > silentSince) return null;
    this.#dropNode.run({ id });
    this.ledger.forgetAllFailures(nodeId);
    const ends = this.#awaiting
      .all({ id })
      .map((row) => this.endings.endPart(idOf(row, 'id'), nodeId, at, false));
    const rest = this.#holding.all({ id }).map((row) => this.endings.dropFiles(idOf(row, 'id'), nodeId));
    return totalReleased([...ends, ...rest]);
  }
}
