import type { DatabaseSync } from 'node:sqlite';
import { isEvictable, type ResourceRecord } from '../../../domain/resource.js';
import type { Lease, LeaseRequest, Released } from '../../../ports/endings.js';
import type { ReleasesGroup, Victim } from '../../../ports/releases.js';
import type { InOneThread } from './in-one-thread.js';
import type { SqliteLedger } from './ledger.js';
import { byLease, numberOf, packId, resourceOf, type Row } from './values.js';

const JOINED = `
  SELECT resources.*, sessions.id AS session_id
  FROM resources JOIN sessions ON sessions.key = resources.session_key`;

export class SqliteReleases implements InOneThread<ReleasesGroup> {
  readonly #find;
  readonly #mark;
  readonly #leasable;
  readonly #leasableStreams;
  readonly #drop;
  readonly #freeSession;
  readonly #leave;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
  ) {
    this.#find = db.prepare(`${JOINED} WHERE resources.id = :id`);
    this.#mark = db.prepare(
      "UPDATE resources SET state = 'releasing', leased_until = :until WHERE key = :key",
    );
    this.#leasable = db.prepare(leasableSql('resources.node_id = :node'));
    this.#leasableStreams = db.prepare(leasableSql('resources.node_id IS NULL'));
    this.#drop = db.prepare('DELETE FROM resources WHERE key = :key');
    this.#freeSession = db.prepare(`
      UPDATE sessions SET resource_count = resource_count - 1, bytes_used = bytes_used - :bytes WHERE key = :key`);
    this.#leave = db.prepare(
      "UPDATE resources SET state = 'releasing', leased_until = 0, freed = 1 WHERE key = :key",
    );
  }

  beginRelease(victims: readonly Victim[], lease: Lease, only: 'unused' | 'any'): ResourceRecord[] {
    const marked: ResourceRecord[] = [];
    for (const victim of victims) {
      const row = this.#find.get({ id: packId(victim.id) });
      if (row === undefined || row['state'] === 'releasing') continue;
      const resource = resourceOf(row);
      if (only === 'unused' && !(isEvictable(resource) && resource.lastUsedAt === victim.lastUsedAt))
        continue;
      if (resource.nodeId === null || resource.nodeId === lease.nodeId) {
        this.#mark.run({ key: numberOf(row, 'key'), until: lease.until });
        marked.push({ ...resource, state: 'releasing' });
      } else {
        this.leave(row);
        if (only === 'unused') this.ledger.countType(resource.type, { evicted: 1 });
        marked.push({ ...resource, state: 'releasing', freed: true });
      }
    }
    return marked;
  }

  /** Frees count and bytes of the session at once, and makes the resource leasable for deletion. */
  leave(row: Row): void {
    this.#leave.run({ key: numberOf(row, 'key') });
    this.#freeSession.run({ key: numberOf(row, 'session_key'), bytes: numberOf(row, 'size_bytes') });
  }

  leaseReleasing({ at, limit, lease }: LeaseRequest): ResourceRecord[] {
    const rows = [
      ...this.#leasable.all({ at, limit, node: packId(lease.nodeId) }),
      ...this.#leasableStreams.all({ at, limit }),
    ]
      .toSorted(byLease)
      .slice(0, limit);
    for (const row of rows) this.#mark.run({ key: numberOf(row, 'key'), until: lease.until });
    return rows.map(resourceOf);
  }

  finishRelease(resourceIds: readonly string[], kind: 'released' | 'evicted'): Released {
    const released = { resources: 0, bytes: 0 };
    for (const id of resourceIds) {
      const row = this.#find.get({ id: packId(id) });
      if (row?.['state'] !== 'releasing') continue;
      const { type, sizeBytes } = this.#dropRecord(row);
      // An unsettled file was never visible, so it does not count as released.
      const settled = numberOf(row, 'settled');
      this.ledger.countType(type, {
        active: -1,
        activeBytes: -sizeBytes,
        released: settled,
        releasedBytes: settled * sizeBytes,
        evicted: kind === 'evicted' ? settled : 0,
      });
      released.resources += settled;
      released.bytes += settled * sizeBytes;
    }
    return released;
  }

  #dropRecord(row: Row): ResourceRecord {
    const resource = resourceOf(row);
    this.#drop.run({ key: numberOf(row, 'key') });
    if (!resource.freed)
      this.#freeSession.run({ key: numberOf(row, 'session_key'), bytes: resource.sizeBytes });
    return resource;
  }
}

function leasableSql(ofWhom: string): string {
  return `
    ${JOINED} WHERE resources.state = 'releasing' AND ${ofWhom} AND resources.leased_until <= :at
    ORDER BY resources.leased_until, resources.id LIMIT :limit`;
}
