import { QUOTAS, type Quota } from '../../domain/budgets.js';
import { givesWay, longestStalled } from '../../domain/eviction.js';
import { hasCode, SessionsError } from '../../domain/errors.js';
import type { ResourceRefusalReason } from '../../domain/events.js';
import type { NewResource } from '../../domain/resource.js';
import type { Refused } from '../../ports/sessions.js';
import { labelOf } from '../config/options.js';
import type { SessionRef } from '../handles/session.js';
import { underAuthority } from '../handles/under-authority.js';
import type { CoreContext } from '../process/context.js';
import { BoundedWait } from '../process/bounded-wait.js';
import { admitted } from './refused.js';
import type { Releaser } from './releaser.js';

/** How long a file waits for room on the way in, and how long a sink must have received nothing to be cancelled for it. */
const WAIT_MS = 5000;
/** The longest wait of a file that others give way to. */
const LONGEST_WAIT_MS = 15_000;
const RETRY_MS = 50;
/**
 * What is at a quota asks again for so long, and up to twice that: other files may be released or refused meanwhile. Of two that
 * exclude each other, one gives up first.
 */
const QUOTA_WAIT_MS = 1000;
const QUOTA_RETRY_MS = 100;
/** So many tries lie between two looks for a file that has stalled. */
const LOOK_EVERY = 10;

/** Whose files a quota bounds. */
const WHOSE: Readonly<Record<Quota, string>> = {
  maxResourcesPerUser: 'The files of the user',
  maxBytesPerUser: 'The files of the user',
  maxBytesPerNetwork: 'The files of all sessions of your network that have no user',
  maxTotalBytes: 'The files of all sessions',
};

/** Admits streams, files, and bytes of files on their way into a session. Evicts nothing: see `Placer`. */
export class Limiter {
  constructor(
    private readonly context: CoreContext,
    private readonly releaser: Releaser,
  ) {}

  /**
   * Admits one more file, with `wantedBytes` if they fit at once, else with `neededBytes`; answers which.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `RESOURCE_TOO_LARGE`, `RESOURCE_LIMIT_REACHED`, `QUOTA_REACHED`,
   * `RESOURCES_IN_USE`
   */
  async reserve(
    session: SessionRef,
    resource: NewResource,
    neededBytes: number,
    wantedBytes: number,
  ): Promise<number> {
    const { limits, budgets } = this.context.config;
    this.refuseTooLarge(session.id, neededBytes);
    await this.context.thisProcess.requireListed();
    return this.admit(resource, neededBytes, wantedBytes, (sizeBytes) =>
      underAuthority(session, (authority) =>
        this.context.store.resources.reserve({ ...resource, sizeBytes }, authority, limits, budgets),
      ),
    );
  }

  /**
   * Admits `wantedBytes` beyond `reservedBytes` if they fit at once, else `neededBytes`; answers which.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `RESOURCE_TOO_LARGE`, `RESOURCE_LIMIT_REACHED`, `QUOTA_REACHED`,
   * `RESOURCES_IN_USE`, `STORAGE_FULL`, `STORAGE_UNAVAILABLE`
   */
  async grow(
    session: SessionRef,
    resource: Pick<NewResource, 'id' | 'sessionId'>,
    reservedBytes: number,
    neededBytes: number,
    wantedBytes: number,
  ): Promise<number> {
    const { limits, budgets } = this.context.config;
    this.refuseTooLarge(session.id, reservedBytes + neededBytes);
    await this.requireDiskSpace(session.id);
    return this.admit(resource, neededBytes, wantedBytes, (bytes) =>
      underAuthority(session, (authority) =>
        this.context.store.resources.grow(resource.id, authority, bytes, limits, budgets),
      ),
    );
  }

  /** @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `STREAMS_FULL` */
  async reserveStream(session: SessionRef, stream: NewResource): Promise<void> {
    await this.context.thisProcess.requireListed();
    const { limits } = this.context.config;
    const outcome = await underAuthority(session, (authority) =>
      this.context.store.resources.reserve(stream, authority, limits),
    );
    if (admitted(outcome) === 'full') throw this.refusal(session.id, 'streams');
  }

  /**
   * Refuses bytes that are announced, before they arrive, if the session cannot take them: with `onLimit: 'reject'` only,
   * since otherwise room is made.
   * @throws SessionsError `RESOURCE_LIMIT_REACHED`
   */
  async refuseAnnounced(session: SessionRef, bytes: number): Promise<void> {
    const { limits } = this.context.config;
    if (limits.onLimit !== 'reject' || bytes === 0) return;
    const record = await this.context.store.sessions.find(session.id);
    if (record && record.bytesUsed + record.incomingBytes + bytes > limits.maxBytes)
      throw this.refusal(session.id, 'limit', bytes);
  }

  /**
   * Refuses files that could never have their places together.
   * @throws SessionsError `RESOURCE_LIMIT_REACHED`
   */
  refuseTooMany(sessionId: string, files: number): void {
    if (files > this.context.config.limits.maxResources) throw this.refusal(sessionId, 'limit');
  }

  /** No eviction makes a file fit that is larger than its session may be. */
  private refuseTooLarge(sessionId: string, bytes: number): void {
    if (bytes <= this.context.config.limits.maxBytes) return;
    throw this.refusal(sessionId, 'too_large', bytes);
  }

  private async admit(
    resource: Pick<NewResource, 'id' | 'sessionId'>,
    neededBytes: number,
    wantedBytes: number,
    ask: (bytes: number) => Promise<'reserved' | 'grown' | 'full' | Quota | Refused>,
  ): Promise<number> {
    if (wantedBytes > neededBytes) {
      const answer = admitted(await ask(wantedBytes));
      if (answer === 'reserved' || answer === 'grown') return wantedBytes;
    }
    const patience = new BoundedWait(
      this.context.clock,
      QUOTA_WAIT_MS * (1 + fractionOf(resource.id)),
      QUOTA_RETRY_MS,
    );
    const isAdmitted = async (): Promise<boolean> => {
      for (;;) {
        const answer = admitted(await ask(neededBytes));
        const quota = QUOTAS.find((known) => known === answer);
        if (quota === undefined) return answer !== 'full';
        if (patience.isOver) throw this.quotaReached(resource.sessionId, quota, neededBytes);
        await patience.pause();
      }
    };
    const wait = new BoundedWait(this.context.clock, LONGEST_WAIT_MS, RETRY_MS);
    for (let tries = 0; !(await isAdmitted()); tries += 1) {
      if (this.context.config.limits.onLimit === 'reject')
        throw this.refusal(resource.sessionId, 'limit', neededBytes);
      const isLast = wait.isOver || (wait.lasts(WAIT_MS) && (await this.givesWay(resource)));
      if ((isLast || tries % LOOK_EVERY === 0) && (await this.cancelStalled(resource))) continue;
      if (isLast) throw this.refusal(resource.sessionId, 'in_use');
      await wait.pause();
    }
    return neededBytes;
  }

  /** Releases one file of the session that has stalled for so long, in whatever process; answers whether there was one. */
  private async cancelStalled({ id, sessionId }: Pick<NewResource, 'id' | 'sessionId'>): Promise<boolean> {
    const { store, clock } = this.context;
    const all = await store.resources.list([sessionId]);
    const stalled = longestStalled(all, id, clock.now() - WAIT_MS);
    if (stalled === null) return false;
    await this.releaser.abandon(stalled);
    return true;
  }

  private async givesWay(resource: Pick<NewResource, 'id' | 'sessionId'>): Promise<boolean> {
    return givesWay(await this.context.store.resources.list([resource.sessionId]), resource.id);
  }

  private async requireDiskSpace(sessionId: string): Promise<void> {
    const { problem, refusing } = await this.context.storageRoot.room();
    if (refusing === null) return;
    if (problem === 'full') throw this.refusal(sessionId, 'disk');
    throw new SessionsError('STORAGE_UNAVAILABLE', refusing, { retryAfterSeconds: 5 });
  }

  /** No eviction helps: what counts for a quota lies in other sessions too. */
  private quotaReached(sessionId: string, quota: Quota, sizeBytes: number): SessionsError {
    const reason = 'quota';
    const limit = this.context.config[quota];
    const refusal = { sessionId, reason, sizeBytes, limitBytes: null, quota, network: null } as const;
    this.context.events.emit('resource.refused', refusal);
    return new SessionsError(
      'QUOTA_REACHED',
      `${WHOSE[quota]} would exceed ${limit} ${quota === 'maxResourcesPerUser' ? 'files' : 'bytes'} (option ${quota}): release some files first.`,
    );
  }

  /** Notes the refusal of a file that the storage could not begin, if that is because the disk is full. */
  noteUnbegun(sessionId: string, error: unknown): void {
    if (hasCode(error, 'STORAGE_FULL')) this.note(sessionId, 'disk', null);
  }

  private note(
    sessionId: string,
    reason: Exclude<ResourceRefusalReason, 'quota'>,
    sizeBytes: number | null,
  ): void {
    const limitBytes = reason === 'too_large' ? this.context.config.limits.maxBytes : null;
    this.context.events.emit('resource.refused', { sessionId, reason, sizeBytes, limitBytes, network: null });
  }

  private refusal(
    sessionId: string,
    reason: Exclude<ResourceRefusalReason, 'quota'>,
    sizeBytes: number | null = null,
  ): SessionsError {
    const { maxBytes, maxResources, maxStreams } = this.context.config.limits;
    this.note(sessionId, reason, sizeBytes);
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
          `Other files of the session are on their way in or being deleted, as many as it may hold: retry later, or raise ` +
            `${labelOf('maxResources')} or ${labelOf('maxBytes')}.`,
        );
      case 'streams':
        return new SessionsError(
          'STREAMS_FULL',
          `The session has ${maxStreams} open streams: close one first, or raise ${labelOf('maxStreamsPerSession')}.`,
          { retryAfterSeconds: 5 },
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

/** In [0, 1], by the random digits of an id. */
function fractionOf(id: string): number {
  return Number.parseInt(id.slice(-4), 16) / 0xffff;
}
