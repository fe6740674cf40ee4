import { SessionsError } from '../../domain/errors.js';
import type { EndReason } from '../../domain/session.js';
import type { TrashTicket } from '../../ports/file-storage.js';
import type { EndCondition, EndingSession, Released, SessionChange } from '../../ports/session-store.js';
import type { CoreContext } from '../process/context.js';
import { describeError } from '../watch/log.js';
import { PeerWait, type PendingFiles } from './peer-wait.js';

/** For so long the process that began an end is left to finish it. */
export const END_LEASE_MS = 60_000;

export interface EndOptions {
  /** Ends it only if it still looks as it did when this was decided. */
  readonly only?: EndCondition;
  /** Resolves only when the files are deleted and the streams closed, in every process that lives and is in time. */
  readonly thorough?: boolean;
}

export interface EndedSession extends Released {
  readonly sessionId: string;
  /**
   * Why something of it is still there: the session is over, and a cleanup tries again. `null` when all is done; files
   * that are deleted in the background, as they are unless the end is thorough, count as done.
   */
  readonly unfinished: SessionsError | null;
  /**
   * Files of it that other nodes still hold, where a thorough end waited for them: each node deletes its own when it can.
   * `null` when there are none, and unless the end is thorough.
   */
  readonly pending: PendingFiles | null;
}

/** The one way a session ends, whoever ends it and why. Every step may be repeated; a crash leaves only what cleanup finishes. */
export class Ender {
  private readonly others: PeerWait;

  constructor(private readonly context: CoreContext) {
    this.others = new PeerWait(context);
  }

  /**
   * Ends an open session; `null` where there is none, where another caller was first, or where `only` does not hold.
   * When it resolves the session is over, and its files are out of reach unless `unfinished` says otherwise.
   */
  async end(sessionId: string, reason: EndReason, options: EndOptions = {}): Promise<EndedSession | null> {
    const at = this.context.clock.now();
    const lease = this.context.thisProcess.lease(END_LEASE_MS);
    const record = await this.context.store.endings.beginEnd(sessionId, { reason, at, lease }, options.only);
    if (!record) return null;
    const closing = this.cutOff({ ...record, endReason: reason });
    this.context.events.emit('session.ended', {
      sessionId,
      userId: record.userId,
      reason,
      durationMs: at - record.createdAt,
    });
    try {
      if (options.thorough) {
        await closing;
        return await this.finishEverywhere(record);
      }
      const ended = await this.finish(record);
      // Streams and uploads let themselves go as they are cut off: they are gone from the store by now, some or all.
      return { ...ended, resources: Math.max(ended.resources, record.resourceCount) };
    } catch (error) {
      const unfinished = this.leaveToCleanup(sessionId, error);
      return { sessionId, resources: 0, bytes: 0, unfinished, pending: null };
    }
  }

  /** Does this node's part of an end that was begun: by this process, by another node, or by one that did not come so far. */
  async finish(session: EndingSession, thorough = false): Promise<EndedSession> {
    const { store, storage, thisProcess, clock } = this.context;
    const ticket = session.hasFiles ? await storage.discardSession(session.id) : null;
    const released = await store.endings.finishEnd(session.id, thisProcess.nodeId, clock.now());
    const unfinished = await this.emptyTrash(session.id, ticket, thorough);
    return { sessionId: session.id, ...released, unfinished, pending: null };
  }

  /** Takes in what another process changed. */
  apply(change: SessionChange): void {
    if (change.state === 'open') this.context.cache.apply(change);
    else void this.cutOff(change);
  }

  /** Where changes may have been missed: what is connected here, and whose session is over or lost, is cut off. */
  async recheckConnections(): Promise<void> {
    for (const sessionId of this.context.connections.sessionIds) {
      const record = await this.context.store.sessions.find(sessionId);
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

  private async finishEverywhere(session: EndingSession): Promise<EndedSession> {
    await this.others.untilClosed(session.id);
    const ended = await this.finish(session, true);
    const left = await this.others.untilDeleted(session.id);
    // Others may have done their part before they were first looked at: what the session had when it ended tells.
    return {
      ...ended,
      resources: Math.max(ended.resources, session.resourceCount - left.resources),
      bytes: Math.max(ended.bytes, session.bytesUsed - left.bytes),
      pending: left.resources > 0 ? left : null,
    };
  }

  private leaveToCleanup(sessionId: string, cause: unknown): SessionsError {
    this.context.log.warn(`The end of session ${sessionId} waits for a cleanup: ${describeError(cause)}`);
    return new SessionsError(
      'STORAGE_UNAVAILABLE',
      'The session is over, but not all it left could be deleted yet; cleanup tries again.',
      { cause, retryAfterSeconds: 60 },
    );
  }
}
