import { evictionOrder } from '../../domain/eviction.js';
import { staleSession } from '../../domain/errors.js';
import type { ResourceRecord } from '../../domain/resource.js';
import type { Placed, Placement } from '../../ports/resources.js';
import type { Refused } from '../../ports/sessions.js';
import type { SessionRef } from '../handles/session.js';
import { underAuthority } from '../handles/under-authority.js';
import { actorOf } from '../handles/actor-of.js';
import type { CoreContext } from '../process/context.js';
import { untilAnswered } from '../process/bounded-wait.js';
import { describeError } from '../watch/log.js';
import { whyGone } from './refused.js';
import type { Releaser } from './releaser.js';

type Answer = Placed | 'full' | Refused;

/** Gives complete files their places in a session, and evicts what must go for them. */
export class Placer {
  constructor(
    private readonly context: CoreContext,
    private readonly releaser: Releaser,
  ) {}

  /**
   * Places the files of one request, all or none; answers them as they are then. Asks again for 5 s if the store is away.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`; `RESOURCE_GONE` if one of the files was released meanwhile;
   * `STORE_UNAVAILABLE`
   */
  async place(session: SessionRef, resourceIds: readonly string[]): Promise<readonly ResourceRecord[]> {
    const { touches, clock, events } = this.context;
    const answer = await this.untilPlaced(session, resourceIds);
    if (answer === 'gone' || answer === 'full') throw await whyGone(this.context, session.id);
    if (answer === 'stale') throw staleSession();
    touches.add(session.id, clock.now(), 0);
    for (const { id, type, sizeBytes } of answer.files) {
      events.emit('resource.ready', { sessionId: session.id, resourceId: id, type, sizeBytes });
    }
    await this.releaser.removeEvicted(answer.victims);
    if (answer.hasOverdrawn && answer.files.every(({ overdrawn }) => !overdrawn)) {
      await this.placeOverdrawnSoon(session.id);
    }
    return answer.files;
  }

  /** Gives overdrawn files of a session their places, as far as they can have them now; answers how many. */
  async placeOverdrawn(sessionId: string): Promise<number> {
    const { store } = this.context;
    const all = await store.resources.list([sessionId]);
    let placed = 0;
    for (const { id } of all.filter(({ overdrawn }) => overdrawn)) {
      const answer = await store.resources.place({
        ...this.placement({ id: sessionId }, [id]),
        candidates: this.candidatesIn(all),
        overdraw: true,
      });
      if (typeof answer === 'string') continue;
      if (answer.files.every(({ overdrawn }) => !overdrawn)) placed += 1;
      await this.releaser.removeEvicted(answer.victims);
    }
    return placed;
  }

  /** The same; a failure is left to the next cleanup. */
  async placeOverdrawnSoon(sessionId: string): Promise<void> {
    try {
      await this.placeOverdrawn(sessionId);
    } catch (error) {
      this.context.failures.note(
        'Failed placements of overdrawn files',
        `Placing the overdrawn files of session ${sessionId} failed, the next cleanup retries: ${describeError(error)}`,
        'warn',
      );
    }
  }

  /**
   * Tries without an eviction first, which needs no list of the session's resources. If the files do not fit although all
   * candidates of a fresh list were tried twice, everything else is in use: they are overdrawn.
   */
  private async untilPlaced(session: SessionRef, resourceIds: readonly string[]): Promise<Answer> {
    const { store, clock } = this.context;
    const place = (differing: Partial<Placement> = {}): Promise<Answer> => {
      const placement = { ...this.placement(session, resourceIds), ...differing };
      return untilAnswered(clock, () =>
        underAuthority(session, (authority) => store.resources.place({ ...placement, authority })),
      );
    };
    const first = await place();
    if (first !== 'full') return first;
    for (const overdraw of [false, true]) {
      const all = await untilAnswered(clock, () => store.resources.list([session.id]));
      const answer = await place({ candidates: this.candidatesIn(all), overdraw });
      if (answer !== 'full') return answer;
    }
    return 'full';
  }

  private placement(session: SessionRef, resourceIds: readonly string[]): Placement {
    const { config, clock, thisProcess, journal } = this.context;
    return {
      sessionId: session.id,
      authority: null,
      resourceIds,
      candidates: [],
      limits: config.limits,
      overdraw: false,
      at: clock.now(),
      lease: thisProcess.lease(),
      note: journal.note(actorOf(session)),
    };
  }

  private candidatesIn(all: readonly ResourceRecord[]): Placement['candidates'] {
    return this.context.config.limits.onLimit === 'reject' ? [] : evictionOrder(all);
  }
}
