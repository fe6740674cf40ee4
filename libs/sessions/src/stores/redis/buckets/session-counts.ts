import { idleEndsAt } from '../../../domain/lifetime.js';
import { openingRecord, type NewSession } from '../../../domain/session.js';
import type { OpeningLimits, RefusedOpening } from '../../../ports/sessions.js';
import { CallBatcher } from './call-batcher.js';
import type { RedisBuckets } from './redis.buckets.js';
import {
  CORRECT_COUNTS,
  READ_COUNTS,
  RECOUNT_PROVISIONAL,
  RESERVE_COUNTS,
  SETTLE_COUNTS,
  STALE_RESERVATIONS,
} from '../scripts/lua/counts.scripts.js';
import { FIELDS } from '../scripts/lua/store.scripts.js';
import { pairsOf, textsOf } from './redis.values.js';

/** A process opens its session well before its reservation is this old, or has died. */
const STALE_MS = 60_000;
const CORRECT_EVERY_MS = 1000;

const COUNTS = ['created', 'closed'];

/** How many sessions a bucket has created and closed in all; neither number ever falls. */
export interface BucketCounts {
  readonly created: string;
  readonly closed: string;
}

/** A session and the network that counts it; none: '' or `null`. */
export interface Counted {
  readonly id: string;
  readonly network: string | null;
}

/** The arguments of a script about one session, without the position of the first key of its network. */
interface Entry {
  readonly network: string | null;
  readonly args: readonly (string | number)[];
}

/**
 * Counts the open sessions of all buckets. A session is counted before its bucket opens it, so that the limit holds, and
 * subtracted if the opening fails or when it ends. After a crash in between, `correct` compares the count with the numbers
 * of sessions that each bucket created and closed.
 *
 * The openings and the provisional sessions of networks are counted in the same script. What a network counts wrongly after a
 * crash or a lost write is right again at the idle end that the session had or would have had, a minute after its last touch:
 * each entry expires then, so none is counted anew.
 */
export class SessionCounts {
  #correcting: Promise<void> | null = null;
  #correctedAt = Number.NEGATIVE_INFINITY;
  #settling: Promise<unknown> = Promise.resolve();
  readonly #reservations;
  readonly #settlements;

  constructor(private readonly buckets: RedisBuckets) {
    this.#reservations = new CallBatcher(async (entries: readonly Entry[]) =>
      textsOf(await this.#runFor(RESERVE_COUNTS, entries)),
    );
    this.#settlements = new CallBatcher(async (entries: readonly Entry[]) => {
      await this.#runFor(SETTLE_COUNTS, entries);
      return [];
    });
  }

  /** Counts a session that is about to open; `null` if the limits allow it. */
  async reserve(
    bucket: number,
    session: NewSession,
    { maxSessions, network }: OpeningLimits,
    mostOfNetwork: number,
  ): Promise<RefusedOpening | null> {
    const { openRate = 0, maxUnconfirmed = 0 } = network ?? {};
    const instants = [session.createdAt, idleEndsAt(openingRecord(session))];
    const answer = await this.#reservations.ask({
      network: network?.key ?? null,
      args: [bucket, session.id, maxSessions, openRate, maxUnconfirmed, ...instants, mostOfNetwork],
    });
    if (answer === 'reserved') return null;
    if (answer === 'network-full') return answer;
    const [refused, wait] = (answer ?? 'full').split(':');
    if (refused !== 'rate' && refused !== 'unconfirmed') return 'full';
    return { refused, retryAfterMs: Number(wait) };
  }

  /** Records whether the session was opened, in the background. If that fails, `correct` mends the count later. */
  settleSoon(bucket: number, counts: BucketCounts, session: Counted, isOpened: boolean): void {
    this.#settling = this.#settle(bucket, counts, session, isOpened).catch(() => {});
  }

  /** Id, network and new idle end, or '' for none, of sessions that their networks counted. */
  async recount(counted: readonly string[]): Promise<void> {
    const networks = new Map<string, (string | number)[]>();
    for (let index = 0; index + 2 < counted.length; index += 3) {
      const [id = '', network = '', idleEnd = ''] = counted.slice(index, index + 3);
      const of = networks.get(network) ?? [];
      of.push(id, idleEnd);
      networks.set(network, of);
    }
    await Promise.all(
      [...networks].map(([network, of]) =>
        this.buckets.run(RECOUNT_PROVISIONAL, [this.buckets.layout.provisional(network)], of),
      ),
    );
  }

  /** Resolves when the last `settleSoon` has finished. */
  async settled(): Promise<void> {
    await this.#settling;
  }

  /** Subtracts a session of this bucket that closed. */
  async giveBack(bucket: number, { created, closed }: BucketCounts, session: Counted): Promise<void> {
    const args = [bucket, created, closed, '', 0, session.id];
    await this.#settlements.ask({ network: session.network || null, args });
  }

  /** Corrects the count, at most once a second, and not while a session is being opened. */
  correct(): Promise<void> {
    if (performance.now() - this.#correctedAt < CORRECT_EVERY_MS) return Promise.resolve();
    this.#correcting ??= this.#correct().finally(() => {
      this.#correctedAt = performance.now();
      this.#correcting = null;
    });
    return this.#correcting;
  }

  async #correct(): Promise<void> {
    await this.#settleStale();
    const [isQuiet, ...fields] = textsOf(await this.#run(READ_COUNTS));
    if (isQuiet !== '1') return;
    const seen = pairsOf(fields);
    const counts = await this.buckets.askAll(FIELDS, 'totals', ...COUNTS);
    const args = this.buckets.all.map((bucket) => {
      const { created, closed } = countsOf(textsOf(counts[bucket]));
      const [reserved, freed] = [seen.get(`reserved:${bucket}`) ?? '0', seen.get(`closed:${bucket}`) ?? '0'];
      return reserved === created && freed === closed ? [] : [bucket, reserved, freed, created, closed];
    });
    const wrong = args.flat();
    if (wrong.length > 0) await this.#run(CORRECT_COUNTS, ...wrong);
  }

  /** The processes of these reservations have died; the bucket shows whether the session was opened. */
  async #settleStale(): Promise<void> {
    const stale = textsOf(await this.#run(STALE_RESERVATIONS, STALE_MS));
    await this.buckets.byBucket(stale, async (bucket, ids) => {
      const found = await this.buckets.records(bucket, 'sessions', ids);
      const counts = countsOf(await this.buckets.fields(bucket, 'totals', ...COUNTS));
      await Promise.all(
        ids.map((id, index) => this.#settle(bucket, counts, { id, network: null }, found[index] !== '')),
      );
    });
  }

  async #settle(
    bucket: number,
    { created, closed }: BucketCounts,
    { id, network }: Counted,
    isOpened: boolean,
  ): Promise<void> {
    const args = [bucket, created, closed, id, isOpened ? 1 : 0, isOpened ? '' : id];
    await this.#settlements.ask({ network: isOpened ? null : network, args });
  }

  /** Each entry's arguments, then the position of the first key of its network, or 0. */
  #runFor(script: Parameters<RedisBuckets['run']>[0], entries: readonly Entry[]): Promise<unknown> {
    const { layout } = this.buckets;
    const keys = [...layout.counts];
    const positions = new Map<string | null, number>([[null, 0]]);
    const args = entries.flatMap(({ network, args: own }) => {
      const position = positions.get(network) ?? keys.length + 1;
      if (!positions.has(network)) keys.push(...layout.network(network ?? ''));
      positions.set(network, position);
      return [...own, position];
    });
    return this.buckets.run(script, keys, args);
  }

  #run(script: Parameters<RedisBuckets['run']>[0], ...args: readonly (string | number)[]): Promise<unknown> {
    return this.buckets.run(script, this.buckets.layout.counts, args);
  }
}

function countsOf([created, closed]: readonly string[]): BucketCounts {
  return { created: created || '0', closed: closed || '0' };
}
