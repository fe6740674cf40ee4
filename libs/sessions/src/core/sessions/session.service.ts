import type { Client } from '../../domain/binding.js';
import { hasCode, SessionsError } from '../../domain/errors.js';
import { idleEndsAt } from '../../domain/lifetime.js';
import type { ResourceRecord } from '../../domain/resource.js';
import type { EndReason, SessionRecord } from '../../domain/session.js';
import type { ByteRange } from '../../ports/file-storage.js';
import type { Refused, SessionQuery, StoreTotals } from '../../ports/session-store.js';
import { invalidArgument, isId, requireSession } from '../handles/arguments.js';
import type { CoreContext } from '../process/context.js';
import type { EndedSession, Ender } from '../endings/ender.js';
import type { SessionEventBus } from '../watch/event-bus.js';
import type { FileSink } from '../resources/file-sink.js';
import type {
  Closable,
  FileDescription,
  OpenedResource,
  Resources,
  TrackedStream,
} from '../resources/resources.js';
import type { Finding, SessionFinder } from './session-finder.js';
import type { Opening, SessionOpener } from './session-opener.js';
import { Session, type SessionRef } from '../handles/session.js';
import { SessionToken } from '../handles/session-token.js';

const MAX_USER_ID = 255;
const USER_PAGE = 1000;

/** A session with all it holds, as of one moment. Instants are epoch milliseconds, sizes bytes. */
export interface SessionDetails extends Omit<SessionRecord, 'tokenHash' | 'epoch' | 'state' | 'endReason'> {
  readonly idleEndsAt: number;
  readonly resources: readonly ResourceRecord[];
}

/** What does the work behind a `SessionService`. */
export interface SessionServiceParts {
  readonly finder: SessionFinder;
  readonly opener: SessionOpener;
  readonly ender: Ender;
  readonly resources: Resources;
}

/**
 * The life of sessions and of what they own: what applications inject, and what controllers, commands and scheduled
 * tasks of this package use too. It serves wherever there is a session or its public id, also outside a request.
 *
 * Errors are `SessionsError`s with a code. Any method rejects with `STORE_UNAVAILABLE` when the store does not answer.
 */
export class SessionService {
  /** Subscribes to what happens: `events.on('session.ended', ({ sessionId, reason }) => …)`. */
  readonly events: SessionEventBus;

  constructor(
    private readonly context: CoreContext,
    private readonly parts: SessionServiceParts,
  ) {
    this.events = context.events;
  }

  // --- sessions ---------------------------------------------------------------------------------------------------

  /** Opens a session for a client, or tells why not. Over HTTP this happens by itself, with a client's first request. */
  open(client: Client): Promise<Opening> {
    return this.parts.opener.open(client);
  }

  /** What a presented token stands for. Over HTTP this happens by itself. */
  async identify(token: string, client: Client): Promise<Finding> {
    return this.parts.finder.identify(token, client);
  }

  /**
   * Notes activity of the client: each request does so by itself, messages on a WebSocket of its own too. For a session that
   * is known to be live now: one past its idle end, which nobody has noticed yet, would go on.
   */
  touch(session: SessionRef): void {
    requireSession(session);
    this.context.touches.add(session.id, this.context.clock.now(), 0);
  }

  /**
   * Binds a user: from now on the session is among `listByUser(userId)`. Call `regenerate` too at a login.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE` (its token was replaced meanwhile), `INVALID_ARGUMENT`
   */
  async bindUser(session: Session, userId: string): Promise<void> {
    if (typeof userId !== 'string' || userId === '' || userId.length > MAX_USER_ID) {
      throw invalidArgument(`A user id is a text of 1 to ${MAX_USER_ID} characters.`);
    }
    requireSession(session);
    admit(await this.context.store.sessions.bindUser(session.id, session.epoch, userId));
    session.userId = userId;
    this.context.cache.apply({ id: session.id, state: 'open', epoch: session.epoch, userId });
    this.events.emit('session.login', { sessionId: session.id, userId });
  }

  /**
   * Gives the session a new token: same id, resources and absolute end. The old one is refused at once. Within a
   * request, the new one goes to the client in its cookie by itself; call it before the response begins.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE` (of two at once, one wins)
   */
  async regenerate(session: Session): Promise<SessionToken> {
    requireSession(session);
    const token = SessionToken.createFor(session.id);
    const { store, clock, cache } = this.context;
    admit(await store.sessions.rotate(session.id, session.epoch, token.hash, clock.now()));
    session.epoch += 1;
    cache.apply({ id: session.id, state: 'open', epoch: session.epoch, userId: session.userId });
    Session.carrierOf(session)?.carry(token);
    this.events.emit('session.regenerated', { sessionId: session.id });
    return token;
  }

  /**
   * Ends a session: at once here, within a second in every other process. Its files go, its streams close. `null` if it
   * was over already. `thorough` resolves only when the files are deleted and the streams closed, or tells what other
   * nodes still have to delete.
   */
  async end(
    session: SessionRef,
    reason: EndReason = 'ended',
    options: { thorough?: boolean } = {},
  ): Promise<EndedSession | null> {
    requireSession(session);
    const ended = await this.parts.ender.end(session.id, reason, options);
    Session.carrierOf(session)?.clear();
    return ended;
  }

  /** Ends all sessions of a user, but for `except`; how many it ended. Sessions that begin meanwhile are ended too. */
  async endAllOf(userId: string, options: { except?: SessionRef; reason?: EndReason } = {}): Promise<number> {
    let ended = 0;
    for (;;) {
      const sessions = await this.pageOfUser(userId);
      const due = sessions.filter(({ id }) => id !== options.except?.id);
      const outcomes = await Promise.all(due.map(({ id }) => this.end({ id }, options.reason ?? 'ended')));
      ended += outcomes.filter((outcome) => outcome !== null).length;
      if (due.length === 0) return ended;
    }
  }

  /** The live sessions of a user, the latest first; at most 1,000. */
  async listByUser(userId: string): Promise<Session[]> {
    return (await this.pageOfUser(userId)).map((record) => new Session(record));
  }

  /** A session with all it holds, or `null` if it is not live. Reading it is no activity. */
  async describe(session: SessionRef): Promise<SessionDetails | null> {
    requireSession(session);
    await this.flushTouches();
    const record = await this.context.store.sessions.find(session.id);
    if (record?.state !== 'open') return null;
    return details(record, await this.parts.resources.list(session));
  }

  /** One page of live sessions with all they hold. Reading them is no activity. */
  async list(query: SessionQuery): Promise<SessionDetails[]> {
    await this.flushTouches();
    const records = await this.context.store.sessions.list(query);
    const resources = await this.context.store.resources.list(records.map(({ id }) => id));
    const bySession = Map.groupBy(resources, ({ sessionId }) => sessionId);
    return records.map((record) => details(record, bySession.get(record.id) ?? []));
  }

  /** Totals since the store began, and what there is now. */
  totals(): Promise<StoreTotals> {
    return this.context.store.ledger.totals();
  }

  // --- resources --------------------------------------------------------------------------------------------------

  /**
   * A writable for a new file of the session. The least recently used resources make room where that is needed.
   * @throws SessionsError `SESSION_GONE`, `RESOURCE_TYPE_UNKNOWN`, `RESOURCE_LIMIT_REACHED`, `RESOURCES_IN_USE`,
   * `STORAGE_FULL`; the stream fails with these too, and with `RESOURCE_TOO_LARGE`
   */
  createFile(session: SessionRef, description: FileDescription): Promise<FileSink> {
    return this.parts.resources.createFile(session, description);
  }

  /** A writable for an intermediate file: a `temp_file`, to be released when its work is done. */
  createTempFile(session: SessionRef, description: Omit<FileDescription, 'type'> = {}): Promise<FileSink> {
    return this.createFile(session, { ...description, type: 'temp_file' });
  }

  /**
   * Takes over a file that some library wrote, from a folder that the option `adoptFrom` allows: it moves. On failure
   * the file stays where it was.
   * @throws SessionsError `FILE_NOT_ADOPTABLE`, and what `createFile` throws
   */
  adoptFile(session: SessionRef, path: string, description: FileDescription): Promise<ResourceRecord> {
    return this.parts.resources.adoptFile(session, path, description);
  }

  /**
   * Counts a live connection among the session's resources, and closes it when the session ends. Server-sent events and
   * WebSocket gateways of this package are tracked by themselves.
   * @throws SessionsError `SESSION_GONE`, `RESOURCE_LIMIT_REACHED`, `RESOURCES_IN_USE`
   */
  trackStream(
    session: SessionRef,
    connection: Closable,
    description: Omit<FileDescription, 'type'> = {},
  ): Promise<TrackedStream> {
    return this.parts.resources.trackStream(session, connection, description);
  }

  /**
   * Opens a file for reading; it cannot be evicted until the stream is closed. `range`: first and last byte.
   * @throws SessionsError `RESOURCE_GONE`; `RESOURCE_ELSEWHERE` where the file lies on another node
   */
  openResource(resource: Pick<ResourceRecord, 'id'>, range?: ByteRange): Promise<OpenedResource> {
    return this.parts.resources.open(resource, range);
  }

  /**
   * Whether a file can be read here, asked of its record alone.
   * @throws SessionsError `RESOURCE_ELSEWHERE` where the file lies on another node
   */
  requireHere(resource: Pick<ResourceRecord, 'nodeId'>): Promise<void> {
    return this.parts.resources.requireHere(resource);
  }

  /** A finished resource of this session; `null` for anything else, a resource of another session too. */
  findResource(session: SessionRef, resourceId: string): Promise<ResourceRecord | null> {
    return isId(resourceId) ? this.parts.resources.find(session, resourceId) : Promise.resolve(null);
  }

  /**
   * Lets a resource go: its file is deleted when this resolves; one of another node counts no more, and is deleted by that
   * node. Whether there was one to let go.
   */
  release(resource: Pick<ResourceRecord, 'id'>): Promise<boolean> {
    return this.parts.resources.release(resource);
  }

  /** What is told should hold what this process has noted; a store that takes nothing just now can be read all the same. */
  private async flushTouches(): Promise<void> {
    try {
      await this.context.touches.flush(this.context.clock.now());
    } catch (error) {
      if (!hasCode(error, 'STORE_UNAVAILABLE')) throw error;
    }
  }

  private async pageOfUser(userId: string): Promise<SessionRecord[]> {
    if (typeof userId !== 'string') throw invalidArgument('A user id is a text.');
    return this.context.store.sessions.list({ userId, sort: '-last_activity', limit: USER_PAGE });
  }
}

function details(record: SessionRecord, resources: readonly ResourceRecord[]): SessionDetails {
  const { tokenHash: _hash, epoch: _epoch, state: _state, endReason: _reason, ...visible } = record;
  return { ...visible, idleEndsAt: idleEndsAt(record), resources };
}

function admit(outcome: 'bound' | 'rotated' | Refused): void {
  if (outcome === 'gone') throw new SessionsError('SESSION_GONE', 'The session is over.');
  if (outcome === 'stale') {
    throw new SessionsError('SESSION_STALE', 'The token of the session was replaced by another request.');
  }
}
