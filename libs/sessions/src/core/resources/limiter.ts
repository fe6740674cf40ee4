import { planEviction, type Demand } from '../../domain/eviction.js';
import { SessionsError } from '../../domain/errors.js';
import type { ResourceRefusalReason } from '../../domain/events.js';
import type { NewResource } from '../../domain/resource.js';
import type { CoreContext } from '../process/context.js';
import type { Releaser } from './releaser.js';

const WAIT_MS = 5000;
const ASK_AGAIN_MS = 50;

type Outcome = 'reserved' | 'grown' | 'gone' | 'full';

/** Admits resources and bytes into a session, and makes room for them where that is allowed. */
export class Limiter {
  constructor(
    private readonly context: CoreContext,
    private readonly releaser: Releaser,
  ) {}

  /**
   * Admits one more resource with `neededBytes`; with `wantedBytes` where they fit without eviction. How many it admitted.
   * @throws SessionsError `SESSION_GONE`, `RESOURCE_TOO_LARGE`, `RESOURCE_LIMIT_REACHED`, `RESOURCES_IN_USE`
   */
  async reserve(resource: NewResource, neededBytes: number, wantedBytes: number): Promise<number> {
    const { limits } = this.context.config;
    this.refuseTooLarge(resource.sessionId, neededBytes);
    await this.context.thisProcess.requireListed();
    const demand = { count: 1, bytes: neededBytes, resourceId: resource.id } as const;
    return this.admit(resource.sessionId, demand, wantedBytes, (sizeBytes) =>
      this.context.store.resources.reserve({ ...resource, sizeBytes }, limits),
    );
  }

  /**
   * Admits `neededBytes` more of a resource that holds `heldBytes`; `wantedBytes` where they fit without eviction. How many
   * it admitted.
   * @throws SessionsError `SESSION_GONE`, `RESOURCE_TOO_LARGE`, `RESOURCE_LIMIT_REACHED`, `RESOURCES_IN_USE`, `STORAGE_FULL`
   */
  async grow(
    resource: Pick<NewResource, 'id' | 'sessionId'>,
    heldBytes: number,
    neededBytes: number,
    wantedBytes: number,
  ): Promise<number> {
    const { limits } = this.context.config;
    this.refuseTooLarge(resource.sessionId, heldBytes + neededBytes);
    await this.requireRoomOnDisk(resource.sessionId);
    const demand = { count: 0, bytes: neededBytes, resourceId: resource.id } as const;
    return this.admit(resource.sessionId, demand, wantedBytes, (bytes) =>
      this.context.store.resources.grow(resource.id, bytes, limits),
    );
  }

  /** So many bytes never fit into a session. */
  private refuseTooLarge(sessionId: string, bytes: number): void {
    if (bytes <= this.context.config.limits.maxBytes) return;
    throw this.refusal(sessionId, 'too_large');
  }

  private async admit(
    sessionId: string,
    demand: Demand,
    wantedBytes: number,
    ask: (bytes: number) => Promise<Outcome>,
  ): Promise<number> {
    if (wantedBytes > demand.bytes && isAdmitted(await ask(wantedBytes))) return wantedBytes;
    await this.untilAdmitted(sessionId, demand, () => ask(demand.bytes));
    return demand.bytes;
  }

  private async untilAdmitted(sessionId: string, demand: Demand, ask: () => Promise<Outcome>): Promise<void> {
    const deadline = this.context.clock.monotonic() + WAIT_MS;
    for (;;) {
      const outcome = await ask();
      if (outcome === 'gone') throw new SessionsError('SESSION_GONE', 'The session is over.');
      if (isAdmitted(outcome)) return;
      if (this.context.config.onLimit === 'reject') throw this.refusal(sessionId, 'limit');
      await this.makeRoom(sessionId, demand, deadline);
    }
  }

  private async makeRoom(sessionId: string, demand: Demand, deadline: number): Promise<void> {
    const plan = planEviction(
      await this.context.store.resources.list([sessionId]),
      demand,
      this.context.config.limits,
    );
    if (plan.action === 'evict') {
      await this.releaser.evict(plan.victims);
      return;
    }
    if (plan.action === 'refuse' || this.context.clock.monotonic() >= deadline)
      throw this.refusal(sessionId, 'in_use');
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }

  private async requireRoomOnDisk(sessionId: string): Promise<void> {
    const room = await this.context.storageRoot.room();
    if (room.refusing !== null) throw this.refusal(sessionId, 'disk');
  }

  private refusal(sessionId: string, reason: ResourceRefusalReason): SessionsError {
    this.context.events.emit('resource.refused', { sessionId, reason });
    const { maxBytes, maxResources } = this.context.config.limits;
    switch (reason) {
      case 'too_large':
        return new SessionsError('RESOURCE_TOO_LARGE', `A file may have at most ${maxBytes} bytes.`);
      case 'limit':
        return new SessionsError(
          'RESOURCE_LIMIT_REACHED',
          `A session may hold at most ${maxResources} resources and ${maxBytes} bytes; release some first.`,
        );
      case 'in_use':
        return new SessionsError(
          'RESOURCES_IN_USE',
          'The session is at its limit and all it holds is in use; try again when less is under way.',
        );
      case 'disk':
        return new SessionsError(
          'STORAGE_FULL',
          'The server has no room for new files now; try again later.',
          {
            retryAfterSeconds: 60,
          },
        );
    }
  }
}

function isAdmitted(outcome: Outcome): boolean {
  return outcome === 'reserved' || outcome === 'grown';
}
