import { planEviction, type Demand } from '../../domain/eviction.js';
import { SessionsError } from '../../domain/errors.js';
import type { ResourceRefusalReason } from '../../domain/events.js';
import type { NewResource } from '../../domain/resource.js';
import { labelOf } from '../config/options.js';
import type { CoreContext } from '../process/context.js';
import type { Releaser } from './releaser.js';

const WAIT_MS = 5000;
const RETRY_MS = 50;

type Outcome = 'reserved' | 'grown' | 'gone' | 'full';

/** Admits resources and bytes into a session, with evictions unless `onLimit` is `reject`. */
export class Limiter {
  constructor(
    private readonly context: CoreContext,
    private readonly releaser: Releaser,
  ) {}

  /**
   * Admits one more resource, with `wantedBytes` if they fit without eviction, else with `neededBytes`; answers which.
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
   * Admits `wantedBytes` beyond `reservedBytes` if they fit without eviction, else `neededBytes`; answers which.
   * @throws SessionsError `SESSION_GONE`, `RESOURCE_TOO_LARGE`, `RESOURCE_LIMIT_REACHED`, `RESOURCES_IN_USE`, `STORAGE_FULL`
   */
  async grow(
    resource: Pick<NewResource, 'id' | 'sessionId'>,
    reservedBytes: number,
    neededBytes: number,
    wantedBytes: number,
  ): Promise<number> {
    const { limits } = this.context.config;
    this.refuseTooLarge(resource.sessionId, reservedBytes + neededBytes);
    await this.requireDiskSpace(resource.sessionId);
    const demand = { count: 0, bytes: neededBytes, resourceId: resource.id } as const;
    return this.admit(resource.sessionId, demand, wantedBytes, (bytes) =>
      this.context.store.resources.grow(resource.id, bytes, limits),
    );
  }

  /** No eviction makes a file fit that is larger than its session may be. */
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
      await this.evictOrWait(sessionId, demand, deadline);
    }
  }

  private async evictOrWait(sessionId: string, demand: Demand, deadline: number): Promise<void> {
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
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }

  private async requireDiskSpace(sessionId: string): Promise<void> {
    const room = await this.context.storageRoot.room();
    if (room.refusing !== null) throw this.refusal(sessionId, 'disk');
  }

  private refusal(sessionId: string, reason: ResourceRefusalReason): SessionsError {
    this.context.events.emit('resource.refused', { sessionId, reason });
    const { maxBytes, maxResources } = this.context.config.limits;
    switch (reason) {
      case 'too_large':
        return new SessionsError(
          'RESOURCE_TOO_LARGE',
          `The file exceeds ${maxBytes} bytes: ${labelOf('maxBytes')}.`,
        );
      case 'limit':
        return new SessionsError(
          'RESOURCE_LIMIT_REACHED',
          `The session would exceed ${maxResources} resources or ${maxBytes} bytes: release some resources first, or ` +
            `raise ${labelOf('maxResources')} or ${labelOf('maxBytes')}.`,
        );
      case 'in_use':
        return new SessionsError(
          'RESOURCES_IN_USE',
          'The session is at its limit, and all its resources are in use: retry when some are no longer read or written.',
        );
      case 'disk':
        return new SessionsError(
          'STORAGE_FULL',
          'The server has too little disk space for new files: retry later.',
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
