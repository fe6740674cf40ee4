import type { DatabaseSync } from 'node:sqlite';
import { countEvent, newestEmptySlot, type RateRing } from '../../../domain/rates/rate-ring.js';
import type { NetworkLimits, RefusedNetwork } from '../../../ports/sessions.js';
import { numberOf, textOf } from '../database/values.js';

/** What a transaction knows of a network: it reads and writes a network once, however many of its sessions it opens. */
interface Known {
  readonly key: string;
  /** `null` for an empty one, `undefined` before it is read. */
  ring: RateRing | null | undefined;
  isChanged: boolean;
  /** Those that were counted, and those opened since; `null` before the count. */
  provisional: number | null;
}

interface Admitted {
  readonly refused: null;
  readonly network: Known | null;
  readonly ring: RateRing | null;
}

type Admission = Admitted | { readonly refused: RefusedNetwork };

/**
 * Counts the openings and the provisional sessions of networks, within the transaction of an opening. Provisional sessions are
 * counted by their rows, so no crash leaves a wrong number.
 */
export class SqliteNetworks {
  readonly #ring;
  readonly #keep;
  readonly #forget;
  readonly #count;
  readonly #first;
  readonly #known = new Map<string, Known>();

  constructor(db: DatabaseSync) {
    this.#ring = db.prepare('SELECT newest_slot, counts FROM networks WHERE network = :network');
    this.#keep = db.prepare(`
      INSERT INTO networks (network, newest_slot, counts) VALUES (:network, :newestSlot, :counts)
      ON CONFLICT (network) DO UPDATE SET newest_slot = excluded.newest_slot, counts = excluded.counts`);
    this.#forget = db.prepare('DELETE FROM networks WHERE newest_slot <= :slot');
    this.#count = db.prepare(`
      SELECT count(*) AS provisional FROM sessions
      WHERE provisional_network = :network AND idle_ends_at > :at`);
    this.#first = db.prepare(`
      SELECT idle_ends_at FROM sessions WHERE provisional_network = :network AND idle_ends_at > :at
      ORDER BY idle_ends_at LIMIT 1`);
  }

  /** Whether a network may open one more session; if it does, `keep` the answer. */
  admit(limits: NetworkLimits | null, at: number): Admission {
    if (limits === null) return { refused: null, network: null, ring: null };
    const network = this.#knownOf(limits.key);
    const rate = limits.openRate === 0 ? null : countEvent(this.#ringOf(network), at, limits.openRate);
    if (rate?.retryAfterMs) return { refused: { refused: 'rate', retryAfterMs: rate.retryAfterMs } };
    if (limits.maxUnconfirmed !== 0 && this.#isFull(network, limits.maxUnconfirmed, at)) {
      const first = this.#first.get({ network: network.key, at }) ?? {};
      return { refused: { refused: 'unconfirmed', retryAfterMs: numberOf(first, 'idle_ends_at') - at } };
    }
    return { refused: null, network, ring: rate?.ring ?? null };
  }

  /** Counts the session, which is open now. */
  keep({ network, ring }: Admitted): void {
    if (network === null) return;
    if (network.provisional !== null) network.provisional += 1;
    if (ring === null) return;
    network.ring = ring;
    network.isChanged = true;
  }

  /** Writes what the transaction has counted. */
  beforeCommit(): void {
    for (const { key, ring, isChanged } of this.#known.values()) {
      if (!isChanged || !ring) continue;
      this.#keep.run({ network: key, newestSlot: ring.newestSlot, counts: JSON.stringify(ring.counts) });
    }
  }

  /** After the commit or the rollback: other processes may change what was known. */
  afterTransaction(): void {
    this.#known.clear();
  }

  forget(at: number): number {
    return Number(this.#forget.run({ slot: newestEmptySlot(at) }).changes);
  }

  #knownOf(key: string): Known {
    const known = this.#known.get(key) ?? { key, ring: undefined, isChanged: false, provisional: null };
    this.#known.set(key, known);
    return known;
  }

  #ringOf(network: Known): RateRing | null {
    if (network.ring !== undefined) return network.ring;
    const row = this.#ring.get({ network: network.key });
    network.ring = row
      ? { newestSlot: numberOf(row, 'newest_slot'), counts: JSON.parse(textOf(row, 'counts')) }
      : null;
    return network.ring;
  }

  /** At the limit it counts again: within the transaction some may have become confirmed or ended. */
  #isFull(network: Known, most: number, at: number): boolean {
    if (network.provisional === null || network.provisional >= most) {
      const counted = this.#count.get({ network: network.key, at }) ?? {};
      network.provisional = numberOf(counted, 'provisional');
    }
    return network.provisional >= most;
  }
}
