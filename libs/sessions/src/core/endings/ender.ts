import { hasCode, SessionsError } from '../../domain/errors.js';
import type { Actor } from '../../domain/journal/actor.js';
import { endCondition, type EndCondition } from '../../domain/lifetime.js';
import type { EndReason, SessionRecord } from '../../domain/session.js';
import type { TrashReport, TrashTicket } from '../../ports/storage/file-storage.js';
import type { EndingSession, Released, SessionChange } from '../../ports/store/session-store.js';
import { APP } from '../handles/actor-of.js';
import { untilStopped } from '../process/bounded-wait.js';
import type { CoreContext } from '../process/context.js';
import { describeError } from '../watch/log.js';
import { OverNotices } from './over-notices.js';
import { applyReplacement, replacementOf } from './replacements.js';
import { PeerWait, type PendingFiles } from './peer-wait.js';

export interface EndOptions {
  /** Ends the session only if it still matches what the end was decided on. */
  readonly only?: EndCondition | undefined;
  /** Who ends it, for the journal. Default: the application. */
  readonly by?: Actor | undefined;
  /**
   * Answers when this process has closed its streams and deleted its files. It waits a few seconds for the other processes;
   * `EndedSession.pending` tells what they had not deleted by then.
   */
  readonly thorough?: boolean;
  /** Answers when this process has deleted its files. */
  readonly deleted?: boolean;
}

/**
 * An ended session, with the resources and bytes that were deleted; where they are deleted in the background, those that it
 * had.
 */
export interface EndedSession extends Released {
  readonly sessionId: string;
  /**
   * The failure that left something undone: the session is over, and the next cleanup retries. `null` if all is done, or goes
   * on in the background.
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
  /** Ends whose files are being deleted in the background. */
  private readonly background = new Set<Promise<unknown>>();

  constructor(private readonly context: CoreContext) {
    this.peers = new PeerWait(context);
    this.notices = new OverNotices(context.events);
  }

  /** Ends a session if it still matches `session`; `null` also if it does not, e.g. after a touch. */
  endIfStill(
    session: SessionRecord,
    reason: EndReason,
    options: Pick<EndOptions, 'deleted' | 'by'> = {},
  ): Promise<EndedSession | null> {
    return this.end(session.id, reason, { ...options, only: endCondition(reason, session) });
  }

  /**
   * Ends an open session; `null` if there is none, another caller was first, or it does not match `only`. When it resolves
   * the session is over, and its files are out of reach unless `unfinished` is set.
   *
   * An end for the reason `ended` or `admin` holds in this process from the call on, also if the store cannot take it: then
   * `unfinished` has the code `STORE_UNAVAILABLE`, and `repeatOwed` repeats it. It rejects in a command, which is over before that,
   * and with `only`, which the store alone can decide.
   */
  async end(sessionId: string, reason: EndReason, options: EndOptions = {}): Promise<EndedSession | null> {
    const at = this.context.clock.now();
    const lease = this.context.thisProcess.lease();
    const { owedEnds, store, journal } = this.context;
    const { by = APP } = options;
    const isDecided = options.only === undefined && (reason === 'ended' || reason === 'admin');
    const canOwe = this.context.thisProcess.isServer && isDecided;
    const wasOwed = owedEnds.reasonOf(sessionId) !== undefined;
    if (canOwe && !wasOwed) owedEnds.add(sessionId, { reason, by });
    let record;
    try {
      const requests = this.context.touches.pendingOf(sessionId)?.requests ?? 0;
      const end = { reason, at, lease, requests, ...journal.noteOfEnd(by, at) };
      record = await store.endings.beginEnd(sessionId, end, options.only);
    } catch (error) {
      if (canOwe && hasCode(error, 'STORE_UNAVAILABLE')) return this.owe(sessionId, reason, error, wasOwed);
      if (canOwe && !wasOwed) owedEnds.remove(sessionId);
      throw error;
    }
    if (record || !options.only) owedEnds.remove(sessionId);
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
      const ticket = await this.discard(record);
      if (ticket === null || options.deleted) {
        return done(sessionId, upTo(record, await this.complete(sessionId, ticket)));
      }
      this.completeLater(sessionId, ticket);
      return done(sessionId, { resources: record.resourceCount, bytes: record.bytesUsed });
    } catch (error) {
      const unfinished = this.deferToCleanup(sessionId, error);
      return { sessionId, resources: 0, bytes: 0, unfinished, pending: null };
    }
  }

  /** Repeats the ends that the store could not take. Never rejects: while the store takes none, the next call repeats them. */
  async repeatOwed(): Promise<void> {
    for (const [sessionId, { reason, by }] of this.context.owedEnds.all) {
      await this.end(sessionId, reason, { by }).catch(() => {});
      if (this.context.owedEnds.reasonOf(sessionId) !== undefined) return;
    }
  }

  /**
   * Does this node's part of an end that this process, another node, or a process that failed has begun. Rejects if a file
   * cannot be deleted: then the part stays, and a later call goes on with it.
   */
  async finish(session: EndingSession): Promise<Released> {
    return this.complete(session.id, await this.discard(session));
  }

  /** Waits, for a few seconds at most, until files that are deleted in the background are gone. */
  async stop(): Promise<void> {
    await untilStopped(this.context.clock, [...this.background]);
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

  private async discard({ id, hasFiles }: EndingSession): Promise<TrashTicket | null> {
    return hasFiles ? this.context.storage.discardSession(id) : null;
  }

  /** The record of a file goes when its bytes are gone: until then the store knows what waits to be deleted. */
  private async complete(sessionId: string, ticket: TrashTicket | null): Promise<Released> {
    const { store, storage, thisProcess, clock } = this.context;
    if (ticket !== null) requireDeleted(await storage.emptyTrash(ticket));
    return store.endings.finishEnd(sessionId, thisProcess.nodeId, clock.now());
  }

  private completeLater(sessionId: string, ticket: TrashTicket): void {
    const completing = this.complete(sessionId, ticket)
      .catch((error: unknown) => this.deferToCleanup(sessionId, error))
      .finally(() => this.background.delete(completing));
    this.background.add(completing);
  }

  private async finishEverywhere(session: EndingSession): Promise<EndedSession> {
    await this.peers.untilClosed(session.id);
    const released = await this.finish(session);
    const left = await this.peers.untilDeleted(session.id);
    // Other nodes may have finished before the first poll: count from what the session had when it ended.
    const pending = left.resources > 0 ? left : null;
    const bytes = Math.max(released.bytes, session.bytesUsed - left.bytes);
    const resources = Math.max(released.resources, session.resourceCount - left.resources);
    return { ...done(session.id, { resources, bytes }), pending };
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

/** Streams and uploads that were cut off release themselves: the store may have dropped them already. */
function upTo({ resourceCount }: SessionRecord, { resources, bytes }: Released): Released {
  return { resources: Math.max(resources, resourceCount), bytes };
}

/** @throws SessionsError `STORAGE_UNAVAILABLE`: files of the trash are left */
export function requireDeleted({ failure }: TrashReport): void {
  if (failure === null) return;
  throw new SessionsError(
    'STORAGE_UNAVAILABLE',
    `Its files cannot be deleted (${failure}): check owner, mode and attributes in the folder \`trash\` of the storage root.`,
  );
}

function done(sessionId: string, released: Released): EndedSession {
  return { sessionId, ...released, unfinished: null, pending: null };
}
