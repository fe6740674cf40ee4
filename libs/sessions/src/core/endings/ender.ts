import { hasCode, SessionsError } from '../../domain/errors.js';
import { endCondition, type EndCondition } from '../../domain/lifetime.js';
import type { EndReason, SessionRecord } from '../../domain/session.js';
import type { TrashTicket } from '../../ports/file-storage.js';
import type { EndingSession, Released, SessionChange } from '../../ports/session-store.js';
import type { CoreContext } from '../process/context.js';
import { describeError } from '../watch/log.js';
import { OverNotices } from './over-notices.js';
import { applyReplacement, replacementOf } from './replacements.js';
import { PeerWait, type PendingFiles } from './peer-wait.js';

export interface EndOptions {
  /** Ends the session only if it still matches the snapshot that the end was decided on. */
  readonly only?: EndCondition | undefined;
  /**
   * Answers when this process has closed its streams and deleted its files. It waits a few seconds for the other processes;
   * `EndedSession.pending` tells what they had not deleted by then.
   */
  readonly thorough?: boolean;
}

export interface EndedSession extends Released {
  readonly sessionId: string;
  /**
   * The failure that left something undone: the session is over, and the next cleanup retries. `null` if all is done; files
   * that are deleted in the background, as they are unless the end is thorough, count as done.
   */
  readonly unfinished: SessionsError | null;
  /**
   * Files that other nodes had not deleted when a thorough end stopped waiting: each node deletes its own later. `null` if
   * there are none, and unless the end is thorough.
   */
  readonly pending: PendingFiles | null;
}

type CutOff = Pick<SessionChange, 'id' | 'endReason'>;

const RECHECKED_TOGETHER = 100;

/** Ends sessions, for every reason. Every step may be repeated; cleanup finishes what a crash interrupts. */
export class Ender {
  private readonly peers: PeerWait;
  private readonly notices: OverNotices;
  /** Sessions whose end or new token may have been missed, with their users. */
  private readonly doubtful = new Map<string, string | null>();

  constructor(private readonly context: CoreContext) {
    this.peers = new PeerWait(context);
    this.notices = new OverNotices(context.events);
  }

  /** Ends a session if it still matches `session`; `null` also if it does not, e.g. after a touch. */
  endIfStill(session: SessionRecord, reason: EndReason): Promise<EndedSession | null> {
    return this.end(session.id, reason, { only: endCondition(reason, session) });
  }

  /**
   * Ends an open session; `null` if there is none, another caller was first, or it does not match `only`. When it resolves
   * the session is over, and its files are out of reach unless `unfinished` is set.
   *
   * An end for the reason `ended` or `admin` holds in this process from the call on, also if the store cannot take it: then
   * `unfinished` has the code `STORE_UNAVAILABLE`, and `repeatOwed` repeats it. In a command, which is over before that, it
   * rejects.
   */
  async end(sessionId: string, reason: EndReason, options: EndOptions = {}): Promise<EndedSession | null> {
    const at = this.context.clock.now();
    const lease = this.context.thisProcess.lease();
    const { owedEnds, store } = this.context;
    const canOwe = this.context.thisProcess.isServer && (reason === 'ended' || reason === 'admin');
    const wasOwed = owedEnds.reasonOf(sessionId) !== undefined;
    if (canOwe && !wasOwed) owedEnds.add(sessionId, reason);
    let record;
    try {
      record = await store.endings.beginEnd(sessionId, { reason, at, lease }, options.only);
    } catch (error) {
      if (canOwe && hasCode(error, 'STORE_UNAVAILABLE')) return this.owe(sessionId, reason, error, wasOwed);
      if (canOwe && !wasOwed) owedEnds.remove(sessionId);
      throw error;
    }
    owedEnds.remove(sessionId);
    if (!record) return null;
    const closing = this.cutOff({ id: sessionId, endReason: reason });
    this.context.events.emit('session.ended', {
      sessionId,
      userId: record.userId,
      reason,
      durationMs: at - record.createdAt,
    });
    this.notices.announce({ sessionId, userId: record.userId, reason });
    try {
      if (options.thorough) {
        await closing;
        return await this.finishEverywhere(record);
      }
      const ended = await this.finish(record);
      // Streams and uploads that were cut off release themselves: the store may have dropped them already.
      return { ...ended, resources: Math.max(ended.resources, record.resourceCount) };
    } catch (error) {
      const unfinished = this.deferToCleanup(sessionId, error);
      return { sessionId, resources: 0, bytes: 0, unfinished, pending: null };
    }
  }

  /** Repeats the ends that the store could not take. Never rejects: while the store takes none, the next call repeats them. */
  async repeatOwed(): Promise<void> {
    for (const [sessionId, reason] of this.context.owedEnds.all) {
      await this.end(sessionId, reason).catch(() => {});
      if (this.context.owedEnds.reasonOf(sessionId) !== undefined) return;
    }
  }

  /** Does this node's part of an end that this process, another node, or a process that failed has begun. */
  async finish(session: EndingSession, thorough = false): Promise<EndedSession> {
    const { store, storage, thisProcess, clock } = this.context;
    const ticket = session.hasFiles ? await storage.discardSession(session.id) : null;
    const released = await store.endings.finishEnd(session.id, thisProcess.nodeId, clock.now());
    const unfinished = await this.emptyTrash(session.id, ticket, thorough);
    return { sessionId: session.id, ...released, unfinished, pending: null };
  }

  /** Applies a change that another process made. */
  apply(change: SessionChange): void {
    if (change.state === 'open') {
      applyReplacement(this.context, change);
      this.context.cache.keepWithAddress(change);
    } else this.noteEnd(change, change.userId ?? this.context.cache.userOf(change.id));
  }

  /**
   * Empties the cache, then asks the store for each session that this process knows or has connections of, and notes the end
   * of those that are over or lost, and the token of the others: called when changes may have been missed. If it rejects, the
   * next call asks again.
   */
  async recheck(): Promise<void> {
    const { cache, connections } = this.context;
    for (const id of connections.sessionIds) if (!this.doubtful.has(id)) this.doubtful.set(id, null);
    for (const [id, userId] of cache.known) this.doubtful.set(id, userId);
    cache.clear();
    await this.recheckDoubtful();
  }

  /**
   * A change of this session may have happened without an answer: the store is asked for it, again and again until it answers.
   */
  doubt(sessionId: string): void {
    if (!this.doubtful.has(sessionId)) this.doubtful.set(sessionId, this.context.cache.userOf(sessionId));
  }

  /** Asks the store for the sessions in doubt. If it rejects, the next call asks again. */
  async recheckDoubtful(): Promise<void> {
    const sessionIds = [...this.doubtful.keys()];
    for (let start = 0; start < sessionIds.length; start += RECHECKED_TOGETHER) {
      const some = sessionIds.slice(start, start + RECHECKED_TOGETHER);
      await Promise.all(some.map((sessionId) => this.recheckOne(sessionId)));
    }
  }

  private async recheckOne(sessionId: string): Promise<void> {
    const record = await this.context.store.sessions.find(sessionId);
    const userId = record?.userId ?? this.doubtful.get(sessionId) ?? null;
    this.doubtful.delete(sessionId);
    if (record?.state === 'open') return applyReplacement(this.context, replacementOf(record));
    this.noteEnd(record ?? { id: sessionId, endReason: null }, userId);
  }

  /** Notes an end that this process did not make. */
  private noteEnd(ended: CutOff, userId: string | null): void {
    void this.cutOff(ended);
    this.notices.announce({ sessionId: ended.id, userId, reason: ended.endReason ?? 'ended' });
  }

  /** Stops this process from serving or writing anything of the session. */
  private cutOff(ended: CutOff): Promise<void> {
    this.context.cache.forget(ended.id);
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
        failures > 0 ? this.deferToCleanup(sessionId, new Error('files cannot be deleted')) : null,
      (error: unknown) => this.deferToCleanup(sessionId, error),
    );
    return thorough ? emptied : null;
  }

  private async finishEverywhere(session: EndingSession): Promise<EndedSession> {
    await this.peers.untilClosed(session.id);
    const ended = await this.finish(session, true);
    const left = await this.peers.untilDeleted(session.id);
    // Other nodes may have finished before the first poll: count from what the session had when it ended.
    return {
      ...ended,
      resources: Math.max(ended.resources, session.resourceCount - left.resources),
      bytes: Math.max(ended.bytes, session.bytesUsed - left.bytes),
      pending: left.resources > 0 ? left : null,
    };
  }

  /** The session is over in this process; the store and the other processes learn of it later. */
  private owe(sessionId: string, reason: EndReason, cause: SessionsError, wasOwed: boolean): EndedSession {
    if (!wasOwed) {
      this.noteEnd({ id: sessionId, endReason: reason }, this.context.cache.userOf(sessionId));
      this.context.failures.note(
        'Ends that the store did not take',
        `Session ${sessionId} is refused here; its end is repeated until the store takes it: ${describeError(cause)}`,
        'warn',
      );
    }
    const unfinished = new SessionsError(
      'STORE_UNAVAILABLE',
      'This server refuses the session from now on. It ends in the store, and its files are deleted, when the store can write again.',
      { cause, retryAfterSeconds: 60 },
    );
    return { sessionId, resources: 0, bytes: 0, unfinished, pending: null };
  }

  private deferToCleanup(sessionId: string, cause: unknown): SessionsError {
    this.context.failures.note(
      'Incomplete ends',
      `Ending session ${sessionId} is not complete, the next cleanup retries: ${describeError(cause)}`,
      'warn',
    );
    return new SessionsError(
      'STORAGE_UNAVAILABLE',
      'The session is over, but some of its files or records remain; the next cleanup deletes them.',
      { cause, retryAfterSeconds: 60 },
    );
  }
}
