import { planEviction, type Demand } from '../domain/eviction.js';
import { SessionsError } from '../domain/errors.js';
import type { ResourceRefusalReason } from '../domain/events.js';
import type { NewResource } from '../domain/resource.js';
import type { CoreContext } from './context.js';
import type { Releaser } from './releaser.js';

const WAIT_MS = 5000;
const ASK_AGAIN_MS = 50;

/** Admits resources and bytes into a session, and makes room for them where that is allowed. */
export class Limiter {
  constructor(
    private readonly context: CoreContext,
    private readonly releaser: Releaser,
  ) {}

  /**
   * Admits one more resource.
   * @throws SessionsError `SESSION_GONE`, `RESOURCE_LIMIT_REACHED`, `RESOURCES_IN_USE`
   */
  async reserve(resource: NewResource): Promise<void> {
    const demand = { count: 1, bytes: 0, resourceId: resource.id } as const;
    await this.context.instance.requireListed();
    await this.untilAdmitted(resource.sessionId, demand, () =>
      this.context.store.reserve(resource, this.context.config.limits),
    );
  }

  /**
   * Admits `neededBytes` more of a resource that holds `heldBytes`; up to `wantedBytes` where they fit without eviction.
   * How many it admitted.
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
    if (wantedBytes > neededBytes && heldBytes + wantedBytes <= limits.maxBytes) {
      const outcome = await this.context.store.grow(resource.id, wantedBytes, limits);
      if (outcome === 'grown') return wantedBytes;
    }
    const demand = { count: 0, bytes: neededBytes, resourceId: resource.id } as const;
    await this.untilAdmitted(resource.sessionId, demand, () =>
      this.context.store.grow(resource.id, neededBytes, limits),
    );
    return neededBytes;
  }

  /** @throws SessionsError `RESOURCE_TOO_LARGE` where so many bytes never fit into a session */
  refuseTooLarge(sessionId: string, bytes: number): void {
    if (bytes <= this.context.config.limits.maxBytes) return;
    throw this.refusal(sessionId, 'too_large');
  }

  private async untilAdmitted(
    sessionId: string,
    demand: Demand,
    ask: () => Promise<'reserved' | 'grown' | 'gone' | 'full'>,
  ): Promise<void> {
    const deadline = this.context.clock.monotonic() + WAIT_MS;
    for (;;) {
      const outcome = await ask();
      if (outcome === 'gone') throw new SessionsError('SESSION_GONE', 'The session is over.');
      if (outcome !== 'full') return;
      if (this.context.config.onLimit === 'reject') throw this.refusal(sessionId, 'limit');
      await this.makeRoom(sessionId, demand, deadline);
    }
  }

  private async makeRoom(sessionId: string, demand: Demand, deadline: number): Promise<void> {
    const plan = planEviction(
      await this.context.store.listResources([sessionId]),
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
    const room = await this.context.storage.room();
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
