import type { DatabaseSync } from 'node:sqlite';
import type { ResourceRecord } from '../../../domain/resource.js';
import type { Lease, LeaseRequest, Released } from '../../../ports/endings.js';
import type { ReleasesGroup } from '../../../ports/releases.js';
import type { SqliteAccounts } from './accounts.js';
import type { InOneThread } from '../../../ports/store/store-groups.js';
import type { SqliteLedger } from './record/ledger.js';
import { byLease, numberOf, packId, resourceOf, type Row } from '../database/values.js';

const JOINED = `
  SELECT resources.*, sessions.id AS session_id, sessions.state AS session_state
  FROM resources JOIN sessions ON sessions.key = resources.session_key`;

export class SqliteReleases implements InOneThread<ReleasesGroup> {
  readonly #find;
  readonly #mark;
  readonly #lease;
  readonly #leasable;
  readonly #leasableStreams;
  readonly #drop;

  constructor(
    db: DatabaseSync,
    private readonly ledger: SqliteLedger,
    private readonly accounts: SqliteAccounts,
  ) {
    this.#find = db.prepare(`${JOINED} WHERE resources.id = :id`);
    this.#mark = db.prepare(`
      UPDATE resources SET state = 'releasing', overdrawn_at = NULL, leased_until = :until, evicted_for = :evictedFor
      WHERE key = :key`);
    this.#lease = db.prepare('UPDATE resources SET leased_until = :until WHERE key = :key');
    this.#leasable = db.prepare(leasableSql('resources.node_id = :node'));
    this.#leasableStreams = db.prepare(leasableSql('resources.node_id IS NULL'));
    this.#drop = db.prepare('DELETE FROM resources WHERE key = :key');
  }

  beginRelease(resourceIds: readonly string[], lease: Lease): ResourceRecord[] {
    const marked: ResourceRecord[] = [];
    for (const id of resourceIds) {
      const row = this.#find.get({ id: packId(id) });
      if (row !== undefined && row['state'] !== 'releasing') marked.push(this.mark(row, lease));
    }
    return marked;
  }

  /** Makes a resource `releasing`: leased to the caller, or leasable at once without a lease, and on another node. */
  mark(row: Row, lease: Lease | null, evictedFor: string | null = null): ResourceRecord {
    const resource = resourceOf(row);
    const isHere = lease !== null && (resource.nodeId === null || resource.nodeId === lease.nodeId);
    this.#mark.run({
      key: numberOf(row, 'key'),
      until: isHere ? lease.until : 0,
      evictedFor: evictedFor === null ? null : packId(evictedFor),
    });
    const marked: ResourceRecord = { ...resource, state: 'releasing', overdrawn: false };
    this.accounts.move(numberOf(row, 'session_key'), [resource], [marked]);
    return marked;
  }

  leaseReleasing({ at, limit, lease }: LeaseRequest): ResourceRecord[] {
    const rows = [
      ...this.#leasable.all({ at, limit, node: packId(lease.nodeId) }),
      ...this.#leasableStreams.all({ at, limit }),
    ]
      .toSorted(byLease)
      .slice(0, limit);
    for (const row of rows) this.#lease.run({ key: numberOf(row, 'key'), until: lease.until });
    return rows.map(resourceOf);
  }

  finishRelease(resourceIds: readonly string[]): Released {
    const released = { resources: 0, bytes: 0 };
    for (const id of resourceIds) {
      const row = this.#find.get({ id: packId(id) });
      if (row?.['state'] !== 'releasing') continue;
      const { type, sizeBytes, nodeId } = resourceOf(row);
      if (nodeId !== null && row['session_state'] === 'ending') continue;
      this.#drop.run({ key: numberOf(row, 'key') });
      // A file that was never complete was never visible, so it does not count as released.
      const completed = numberOf(row, 'completed');
      this.ledger.countType(type, {
        active: -1,
        activeBytes: -sizeBytes,
        released: completed,
        releasedBytes: completed * sizeBytes,
      });
      released.resources += completed;
      released.bytes += completed * sizeBytes;
    }
    return released;
  }
}

function leasableSql(ofWhom: string): string {
  return `
    ${JOINED} WHERE resources.state = 'releasing' AND ${ofWhom} AND resources.leased_until <= :at
      AND (resources.node_id IS NULL OR sessions.state <> 'ending')
    ORDER BY resources.leased_until, resources.id LIMIT :limit`;
}
