import type { DatabaseSync } from 'node:sqlite';
import { countEvent, newestEmptySlot, type RateRing } from '../../../domain/rate-ring.js';
import type { NetworkLimits, RefusedNetwork } from '../../../ports/sessions.js';
import { numberOf, textOf } from './values.js';

type Admission =
  { readonly refused: null; readonly ring: RateRing | null } | { readonly refused: RefusedNetwork };

/** Counts the openings and the provisional sessions of networks, within the transaction of an opening. */
export class SqliteNetworks {
  readonly #ring;
  readonly #keep;
  readonly #forget;
  readonly #provisional;

  constructor(db: DatabaseSync) {
    this.#ring = db.prepare('SELECT newest_slot, counts FROM networks WHERE network = :network');
    this.#keep = db.prepare(`
      INSERT INTO networks (network, newest_slot, counts) VALUES (:network, :newestSlot, :counts)
      ON CONFLICT (network) DO UPDATE SET newest_slot = excluded.newest_slot, counts = excluded.counts`);
    this.#forget = db.prepare('DELETE FROM networks WHERE newest_slot <= :slot');
    this.#provisional = db.prepare(`
      SELECT idle_ends_at FROM sessions WHERE provisional_network = :network AND idle_ends_at > :at
      ORDER BY idle_ends_at LIMIT 1 OFFSET :others`);
  }

  /** Whether a network may open one more session; `ring` is to be kept if the session is opened. */
  admit(network: NetworkLimits | null, at: number): Admission {
    if (network === null) return { refused: null, ring: null };
    const ring = network.openRate === 0 ? null : countEvent(this.#ringOf(network.key), at, network.openRate);
    if (ring?.retryAfterMs) return { refused: { refused: 'rate', retryAfterMs: ring.retryAfterMs } };
    const retryAfterMs = network.maxUnconfirmed === 0 ? 0 : this.#waitForPlace(network, at);
    if (retryAfterMs > 0) return { refused: { refused: 'unconfirmed', retryAfterMs } };
    return { refused: null, ring: ring?.ring ?? null };
  }

  keep(network: NetworkLimits | null, ring: RateRing | null): void {
    if (network === null || ring === null) return;
    this.#keep.run({
      network: network.key,
      newestSlot: ring.newestSlot,
      counts: JSON.stringify(ring.counts),
    });
  }

  forget(at: number): number {
    return Number(this.#forget.run({ slot: newestEmptySlot(at) }).changes);
  }

  #ringOf(network: string): RateRing | null {
    const row = this.#ring.get({ network });
    if (row === undefined) return null;
    return { newestSlot: numberOf(row, 'newest_slot'), counts: JSON.parse(textOf(row, 'counts')) };
  }

  /** Milliseconds until the first of the provisional sessions ends; 0 if there is a place for one more. */
  #waitForPlace({ key, maxUnconfirmed }: NetworkLimits, at: number): number {
    const network = { network: key, at };
    if (this.#provisional.get({ ...network, others: maxUnconfirmed - 1 }) === undefined) return 0;
    const first = this.#provisional.get({ ...network, others: 0 });
    return first === undefined ? 0 : numberOf(first, 'idle_ends_at') - at;
  }
}
