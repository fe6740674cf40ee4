import { SessionsError } from '../domain/errors.js';
import type { EndReason, SessionRecord } from '../domain/session.js';
import { STREAM_TYPE } from '../domain/resource.js';
import type { TrashTicket } from '../ports/file-storage.js';
import type { EndCondition, Released, SessionChange } from '../ports/session-store.js';
import type { CoreContext } from './context.js';
import { describeError } from './log.js';

/** For so long the process that began an end is left to finish it. */
export const END_LEASE_MS = 60_000;
/** How long other processes are waited for to close their streams; they hear of the end within half a second. */
const REMOTE_CLOSE_MS = 3000;
const REMOTE_POLL_MS = 50;

export interface EndOptions {
  /** Ends it only if it still looks as it did when this was decided. */
  readonly only?: EndCondition;
  /** Resolves only when the files are deleted and the streams closed, in every process. */
  readonly thorough?: boolean;
}

export interface EndedSession extends Released {
  readonly sessionId: string;
  /**
   * Why something of it is still there: the session is over, and a cleanup tries again. `null` when all is done; files
   * that are deleted in the background, as they are unless the end is thorough, count as done.
   */
  readonly unfinished: SessionsError | null;
}

/** The one way a session ends, whoever ends it and why. Every step may be repeated; a crash leaves only what cleanup finishes. */
export class Ender {
  constructor(private readonly context: CoreContext) {}

  /**
   * Ends an open session; `null` where there is none, where another caller was first, or where `only` does not hold.
   * When it resolves the session is over, and its files are out of reach unless `unfinished` says otherwise.
   */
  async end(sessionId: string, reason: EndReason, options: EndOptions = {}): Promise<EndedSession | null> {
    const at = this.context.clock.now();
    const lease = { instanceId: this.context.instance.id, until: at + END_LEASE_MS };
    const record = await this.context.store.beginEnd(sessionId, { reason, at, lease }, options.only);
    if (!record) return null;
    const closing = this.cutOff({ ...record, endReason: reason });
    this.context.events.emit('session.ended', {
      sessionId,
      userId: record.userId,
      reason,
      durationMs: at - record.createdAt,
    });
    if (options.thorough) {
      await closing;
      await this.waitForOtherProcesses(sessionId);
    }
    try {
      const ended = await this.finish(record, options.thorough);
      // Streams and uploads let themselves go as they are cut off: they are gone from the store by now, some or all.
      return { ...ended, resources: Math.max(ended.resources, record.resourceCount) };
    } catch (error) {
      return { sessionId, resources: 0, bytes: 0, unfinished: this.leaveToCleanup(sessionId, error) };
    }
  }

  /** Finishes an end that was begun: by this process, or by one that did not come so far. */
  async finish(record: SessionRecord, thorough = false): Promise<EndedSession> {
    const ticket = record.resourceCount > 0 ? await this.context.storage.discardSession(record.id) : null;
    const released = await this.context.store.finishEnd(record.id, this.context.clock.now());
    const unfinished = await this.emptyTrash(record.id, ticket, thorough);
    return { sessionId: record.id, ...released, unfinished };
  }

  /** Takes in what another process changed. */
  apply(change: SessionChange): void {
    if (change.state === 'open') this.context.cache.apply(change);
    else void this.cutOff(change);
  }

  /** Where changes may have been missed: what is connected here, and whose session is over or lost, is cut off. */
  async recheckConnections(): Promise<void> {
    for (const sessionId of this.context.connections.sessionIds) {
      const record = await this.context.store.find(sessionId);
      if (record?.state === 'open') continue;
      void this.cutOff(record ?? { id: sessionId, endReason: 'ended', epoch: 0, userId: null });
    }
  }

  /** From here on nothing of the session is served or written in this process. */
  private cutOff(ended: Pick<SessionChange, 'id' | 'endReason' | 'epoch' | 'userId'>): Promise<void> {
    this.context.cache.apply({ ...ended, state: 'ending' });
    return this.context.connections.close(ended.id, ended.endReason ?? 'ended');
  }

  private async emptyTrash(
    sessionId: string,
    ticket: TrashTicket | null,
    thorough: boolean,
  ): Promise<SessionsError | null> {
    if (ticket === null) return null;
    const emptied = this.context.storage.emptyTrash(ticket).then(
      ({ failures }) =>
        failures > 0 ? this.leaveToCleanup(sessionId, new Error('files cannot be deleted')) : null,
      (error: unknown) => this.leaveToCleanup(sessionId, error),
    );
    return thorough ? emptied : null;
  }

  private leaveToCleanup(sessionId: string, cause: unknown): SessionsError {
    this.context.log.warn(`The end of session ${sessionId} waits for a cleanup: ${describeError(cause)}`);
    return new SessionsError(
      'STORAGE_UNAVAILABLE',
      'The session is over, but not all it left could be deleted yet; cleanup tries again.',
      { cause, retryAfterSeconds: 60 },
    );
  }

  /** Streams that live processes hold elsewhere are let go by them as soon as they hear of the end. */
  private async waitForOtherProcesses(sessionId: string): Promise<void> {
    const others = new Set((await this.context.instance.listLive()).map((beat) => beat.instanceId));
    others.delete(this.context.instance.id);
    const deadline = this.context.clock.monotonic() + REMOTE_CLOSE_MS;
    while (others.size > 0 && this.context.clock.monotonic() < deadline) {
      const held = await this.context.store.listResources([sessionId]);
      const isOpenElsewhere = held.some(
        ({ type, state, instanceId }) =>
          (type === STREAM_TYPE || state === 'writing') && instanceId !== null && others.has(instanceId),
      );
      if (!isOpenElsewhere) return;
      await new Promise((resolve) => setTimeout(resolve, REMOTE_POLL_MS));
    }
  }
}
