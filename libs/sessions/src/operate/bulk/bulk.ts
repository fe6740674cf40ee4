import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SessionsCore } from '../../core/core.js';
import { BoundedWait } from '../../core/process/bounded-wait.js';
import { SILENT_AFTER_MS } from '../../core/process/this-process.js';
import { describeError } from '../../core/watch/log.js';
import { SessionsError } from '../../domain/errors.js';
import { stillMatching } from '../../domain/lifetime.js';
import { matchesFilter, type SessionFilter } from '../../domain/listing/session-filter.js';
import type { SessionRecord } from '../../domain/session.js';
import type { EndOneOfMany, OperatorDeeds } from '../journal/operator-deeds.js';
import { matchingSessions } from '../lists/matching-sessions.js';
import { MOST_IN_BULK, type BulkOptions, type BulkReport, type BulkTarget } from './bulk-report.js';
import { BulkTally } from './bulk-tally.js';

/** Sessions that are ended, or read, concurrently: the store ends them in few transactions, and requests find room between them. */
const TOGETHER = 50;

const HORIZON_PAUSE_MS = 250;

/**
 * What `runBulk` would end now. Changes nothing.
 * @throws SessionsError `BULK_TOO_LARGE`
 */
export async function planBulk(
  core: SessionsCore,
  target: BulkTarget,
  options: Pick<BulkOptions, 'asOf'> = {},
): Promise<BulkReport> {
  const asOf = instantOfBulk(core, options);
  const tally = new BulkTally(asOf);
  if ('filter' in target) for (const session of await allMatching(core, target, asOf)) tally.see(session);
  else {
    await forEachOf(uniqueOf(target.ids), async (id) => {
      const session = await core.store.sessions.find(id);
      if (session && core.finder.isLive(session)) tally.see(session);
      else tally.miss(id);
    });
  }
  return tally.report;
}

/**
 * Ends all sessions of the target, a few at a time. A session that no longer matches the filter when its turn comes, because its client
 * came back for one, goes on. One end that fails does not stop the others.
 * @throws SessionsError `BULK_TOO_LARGE`: then nothing is ended
 */
export async function runBulk(
  core: SessionsCore,
  deeds: OperatorDeeds,
  target: BulkTarget,
  options: BulkOptions = {},
): Promise<BulkReport> {
  const tally = new BulkTally(instantOfBulk(core, options));
  await deeds.endMany(
    scopeOf(target),
    async (end) => {
      const run = new Run(core, end, tally, options);
      await ('filter' in target ? run.endMatching(target) : run.endListed(uniqueOf(target.ids)));
    },
    () => tally.result,
  );
  return tally.report;
}

type Matching = Extract<BulkTarget, { readonly filter: SessionFilter }>;

class Run {
  constructor(
    private readonly core: SessionsCore,
    private readonly end: EndOneOfMany,
    private readonly tally: BulkTally,
    private readonly options: BulkOptions,
  ) {}

  async endMatching(target: Matching): Promise<void> {
    const { filter } = target;
    if (filter.idleSince !== undefined) await untilTouchesAreKnown(this.core);
    const { asOf } = this.tally.report;
    const sessions = await allMatching(this.core, target, asOf);
    this.tally.match(sessions.length);
    const only = stillMatching(filter);
    const ids = sessions.map(({ id }) => id);
    await this.forEach(ids, async (id) => {
      // What an end cannot ask for in its own step is compared just before it.
      const now = await this.core.store.sessions.find(id);
      if (now === null || !this.core.finder.isLive(now) || !matchesFilter(filter, now)) return;
      const ended = await this.end(id, only);
      if (ended) this.tally.end(ended);
    });
  }

  async endListed(ids: readonly string[]): Promise<void> {
    await this.forEach(ids, async (id) => {
      const ended = await this.end(id, undefined);
      if (!ended) return this.tally.miss(id);
      this.tally.match();
      this.tally.end(ended);
    });
  }

  private async forEach(ids: readonly string[], endOne: (id: string) => Promise<void>): Promise<void> {
    const { signal, onProgress } = this.options;
    let done = 0;
    await forEachOf(ids, async (id) => {
      if (signal?.aborted || this.tally.hasFailedTooOften) return this.tally.stop();
      await endOne(id).catch((error: unknown) => {
        this.tally.fail(id, error);
        this.core.failures.note('Ends of many sessions', `Session ${id}: ${describeError(error)}`);
      });
      done += 1;
      onProgress?.(done, ids.length);
    });
  }
}

/** For the audit: what a filter asks for, and not which user or address, since whoever is forgotten has no name there. */
function scopeOf(target: BulkTarget): string {
  if (!('filter' in target)) return 'ids';
  const { userId, network, idleSince, bytesAbove, above } = target.filter;
  const terms = {
    user_id: userId,
    ip: network,
    idle_over: idleSince,
    bytes_over: bytesAbove,
    near_limit: above,
  };
  const given = Object.entries(terms).filter(([, value]) => value !== undefined);
  return given.map(([name]) => name).join(',') || 'all';
}

/** All that match, oldest first; of a list of ids, in any order. */
async function allMatching(
  core: SessionsCore,
  { filter, ids }: Matching,
  asOf: number,
): Promise<SessionRecord[]> {
  const { openedUntil = asOf } = filter;
  const bounded = { ...filter, openedUntil: Math.min(openedUntil, asOf) };
  const sessions: SessionRecord[] = [];
  if (ids) {
    await forEachOf(uniqueOf(ids), async (id) => {
      const session = await core.store.sessions.find(id);
      if (session && core.finder.isLive(session) && matchesFilter(bounded, session)) sessions.push(session);
    });
    return sessions;
  }
  for await (const slice of matchingSessions(core, bounded, MOST_IN_BULK + 1)) {
    sessions.push(...slice);
    await nextTurn();
  }
  if (sessions.length <= MOST_IN_BULK) return sessions;
  throw new SessionsError(
    'BULK_TOO_LARGE',
    `More than ${MOST_IN_BULK} sessions match: narrow the filter. Nothing was ended.`,
  );
}

/** Activity before this call is in the store, whichever process it was noted by: an idle session is idle. */
async function untilTouchesAreKnown({ clock, thisProcess }: SessionsCore): Promise<void> {
  const startedAt = clock.now();
  const wait = new BoundedWait(clock, SILENT_AFTER_MS, HORIZON_PAUSE_MS);
  while ((await thisProcess.idleHorizon()) < startedAt && !wait.isOver) await wait.pause();
}

function instantOfBulk({ clock }: SessionsCore, { asOf }: Pick<BulkOptions, 'asOf'>): number {
  return Math.min(asOf ?? clock.now(), clock.now());
}

function uniqueOf(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}

async function forEachOf(ids: readonly string[], work: (id: string) => Promise<void>): Promise<void> {
  // One iterator for all of them: each takes the next id.
  const next = ids.values();
  const workNext = async (): Promise<void> => {
    for (const id of next) {
      await work(id);
      await nextTurn();
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, workNext));
}
