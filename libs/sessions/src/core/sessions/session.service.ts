import type { Client } from '../../domain/binding.js';
import type { Usage } from '../../domain/budgets.js';
import { staleSession } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import type { Actor } from '../../domain/journal/actor.js';
import { boundTo } from '../../domain/lifetime.js';
import type { ResourceRecord } from '../../domain/resource.js';
import { isStale, type EndReason } from '../../domain/session.js';
import type { ByteRange } from '../../ports/storage/file-storage.js';
import type { SessionQuery, StoreTotals } from '../../ports/store/session-store.js';
import { requireSession, requireUserId } from '../handles/arguments.js';
import { noteFoundWith } from '../handles/found-with.js';
import { OwnEnds } from '../handles/own-ends.js';
import { underAuthority } from '../handles/under-authority.js';
import { SessionDataService } from '../data/session-data-service.js';
import type { SessionValues } from '../data/session-values.js';
import type { CoreContext } from '../process/context.js';
import type { EndedSession, Ender, EndOptions } from '../endings/ender.js';
import { actorOf, APP } from '../handles/actor-of.js';
import type { Forgetting, Forgotten } from '../journal/forgetting.js';
import type { SessionEventBus } from '../watch/event-bus.js';
import type { FileSink } from '../resources/file-sink.js';
import type { FileBatch } from '../resources/file-batch.js';
import type { FileDescription } from '../resources/file-writing.js';
import type { Closable } from '../process/live-connections.js';
import type { FileClaiming } from '../ways-out/file-claiming.js';
import type { FileLending } from '../ways-out/file-lending.js';
import type { FileReading, OpenedResource } from '../ways-out/file-reading.js';
import type { FileUses, ResourceRef } from '../ways-out/file-uses.js';
import type { Resources, TrackedStream } from '../resources/resources.js';
import { detailsOf, type SessionDetails } from './session-details.js';
import type { Finding, SessionFinder } from './session-finder.js';
import type { LoginOptions, RegenerateOptions, SessionLogins } from './session-logins.js';
import type { Opening, SessionOpener } from './session-opener.js';
import type { SessionLists } from './session-lists.js';
import { Session, type SessionRef } from '../handles/session.js';
import type { TokenUse } from '../tokens/token-codec.js';
import type { SessionToken } from '../tokens/session-token.js';

/** The collaborators of a `SessionService`. */
export interface SessionServiceParts {
  readonly finder: SessionFinder;
  readonly opener: SessionOpener;
  readonly logins: SessionLogins;
  readonly ender: Ender;
  readonly forgetting: Forgetting;
  readonly resources: Resources;
  readonly waysOut: {
    readonly uses: FileUses;
    readonly reading: FileReading;
    readonly lending: FileLending;
    readonly claiming: FileClaiming;
  };
  readonly lists: SessionLists;
  readonly values: SessionValues;
}

/**
 * Manages sessions and their resources. Applications inject it; controllers, commands and scheduled tasks of this package
 * use it too. It needs a session or its public id, not a request.
 *
 * Errors are `SessionsError`s with a code. Every method rejects with `STORE_UNAVAILABLE` if the store does not answer.
 */
export class SessionService extends SessionDataService {
  /** Subscribes to events: `events.on('session.ended', ({ sessionId, reason }) => …)`. */
  readonly events: SessionEventBus;

  constructor(
    private readonly context: CoreContext,
    private readonly parts: SessionServiceParts,
  ) {
    super(parts.values);
    this.events = context.events;
  }

  // --- sessions ---------------------------------------------------------------------------------------------------

  /**
   * Opens a session for a client, or answers why it was refused. HTTP requests without a session do this automatically. `use`: how
   * the client will present the token. Default: as a cookie.
   */
  open(client: Client, use?: TokenUse): Promise<Opening> {
    return this.parts.opener.open(client, use);
  }

  /** Looks up the session of a presented token. HTTP requests do this automatically. */
  async identify(token: string, client: Client): Promise<Finding> {
    return this.parts.finder.identify(token, client);
  }

  /**
   * Records activity of the client; HTTP requests and messages that a WebSocket receives do this automatically. Call it only
   * for a session known to be live: one past its idle end that no process has ended yet would go on.
   */
  touch(session: SessionRef): void {
    requireSession(session);
    this.context.touches.add(session.id, this.context.clock.now(), 0);
  }

  /**
   * Logs a user in: binds the user and replaces the token, in one step, so that a token that somebody planted before is
   * worthless: streams and transfers that were begun under it stop at once, and are closed when the response is out. What was
   * begun with this very `session` object goes on, and so does what was begun with an object `{ id }`. Within a request, the
   * response sets the new one as cookie: call it before the response begins. Id, files, data and absolute end stay, but see `keep`
   * and `ifTaken`: with `restart`, `session` may be another session afterwards. Of two logins at once with one token, one wins.
   * If the store does not answer, the step is repeated for 5 s.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE` (the token was replaced), `SESSION_TAKEN`, `USER_SESSIONS_FULL`,
   * `INVALID_ARGUMENT`; with `restart` also `SESSION_RATE_LIMITED` and `SESSIONS_FULL`
   */
  login(session: Session, userId: string, options: LoginOptions = {}): Promise<SessionToken> {
    return this.parts.logins.login(session, userId, options);
  }

  /**
   * Replaces the token; id, user, resources, data and absolute end stay. Else like `login`: the old token is refused at once, what
   * was begun with it is cut off unless `keepConnections`, and the response sets the new one.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`
   */
  regenerate(session: Session, options: RegenerateOptions = {}): Promise<SessionToken> {
    return this.parts.logins.regenerate(session, options);
  }

  /**
   * Ends a session, deletes its files and closes its streams: at once in this process, within a second in all others.
   * `null` if it was over already. With `thorough` it resolves when files are deleted and streams closed, or answers what
   * other nodes still have to delete. `by`: who ends it, for the journal. Default: the client whose request was given the object, else
   * the application. `only`: `null` too if the session does not match it now.
   */
  async end(
    session: SessionRef,
    reason: EndReason = 'ended',
    options: Pick<EndOptions, 'thorough' | 'by' | 'only'> = {},
  ): Promise<EndedSession | null> {
    requireSession(session);
    if (options.only) await this.parts.lists.flushTouches();
    const ended = await this.parts.ender.end(session.id, reason, { by: actorOf(session), ...options });
    OwnEnds.note(session.id);
    Session.carrierOf(session)?.clear();
    return ended;
  }

  /** Ends all sessions of a user except `except`, also those opened meanwhile; answers how many it ended. */
  async endAllOf(userId: string, options: { except?: SessionRef; reason?: EndReason } = {}): Promise<number> {
    let ended = 0;
    for (;;) {
      const sessions = await this.parts.lists.ofUser(userId);
      const due = sessions.filter(({ id }) => id !== options.except?.id);
      const outcomes = await Promise.all(due.map(({ id }) => this.end({ id }, options.reason ?? 'ended')));
      ended += outcomes.filter((outcome) => outcome !== null).length;
      if (due.length === 0) return ended;
    }
  }

  /**
   * Ends one session of a user, as a page with the user's devices does; `null` for any other id, including that of another user's
   * session.
   */
  async endOneOf(userId: string, sessionId: string): Promise<EndedSession | null> {
    requireUserId(userId);
    if (!isUuid(sessionId)) return null;
    const ended = await this.parts.ender.end(sessionId, 'ended', { only: boundTo(userId) });
    if (ended !== null) OwnEnds.note(sessionId);
    return ended;
  }

  /**
   * Ends the live sessions of a user, and erases the timelines and the hash that the store keeps of the ended ones: from the database
   * and its log, not from backups. Repeat it if it rejects.
   */
  async forget(userId: string, { by = APP }: { by?: Actor } = {}): Promise<Forgotten> {
    requireUserId(userId);
    return this.parts.forgetting.forget(userId, by);
  }

  /** What the open sessions of a user count for in the limits of a user; zeros for none. */
  async usageOf(userId: string): Promise<Usage> {
    requireUserId(userId);
    return this.context.store.budgets.ofUser(userId);
  }

  /** The live sessions of a user, latest activity first; at most 1,000. */
  async listByUser(userId: string): Promise<Session[]> {
    await this.parts.lists.flushTouches();
    const records = await this.parts.lists.ofUser(userId);
    return records.filter((record) => this.parts.finder.isLive(record)).map((record) => new Session(record));
  }

  /**
   * A session with its resources; `null` if it is not live. Does not count as activity.
   * @throws SessionsError `SESSION_STALE` (the token of this `Session` was replaced)
   */
  async describe(session: SessionRef): Promise<SessionDetails | null> {
    requireSession(session);
    await this.parts.lists.flushTouches();
    const found = await underAuthority(session, async (authority) => {
      const resources = await this.parts.resources.list(session);
      // Read after the resources: if its token is not replaced now, it was not when they were read.
      const record = await this.context.store.sessions.find(session.id);
      if (record === null || !this.parts.finder.isLive(record)) return null;
      if (isStale(record, authority)) return 'stale';
      for (const resource of resources) noteFoundWith(resource, session);
      return detailsOf(record, resources);
    });
    if (found === 'stale') throw staleSession();
    return found;
  }

  /** One page of live sessions with their resources. Does not count as activity. */
  list(query: SessionQuery): Promise<SessionDetails[]> {
    return this.parts.lists.list(query);
  }

  /** As `list`, a few sessions at a time: those of the page as of now, the resources of each slice as of its reading. */
  listInSlices(query: SessionQuery): Promise<AsyncGenerator<SessionDetails[], void, void>> {
    return this.parts.lists.inSlices(query);
  }

  /** Totals since the store was created, and current counts. */
  totals(): Promise<StoreTotals> {
    return this.context.store.ledger.totals();
  }

  // --- resources --------------------------------------------------------------------------------------------------

  /**
   * A writable stream for a new file of the session. When all bytes are there the file takes its place; at a limit the least
   * recently used files go for it then, not before (`onLimit`). If as many files as the session may hold are on their way in
   * or being deleted, this waits up to 5 s.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `RESOURCE_TYPE_UNKNOWN`, `RESOURCE_LIMIT_REACHED`, `QUOTA_REACHED`,
   * `RESOURCES_IN_USE`, `STORAGE_FULL`; the stream fails with these too, and with `RESOURCE_TOO_LARGE`
   */
  createFile(session: SessionRef, description: FileDescription): Promise<FileSink> {
    return this.parts.resources.createFile(session, description);
  }

  /** @internal Files that take their places together; `announcedBytes`: what they will hold at least. */
  beginBatch(session: SessionRef, announcedBytes: number): Promise<FileBatch> {
    return this.parts.resources.beginBatch(session, announcedBytes);
  }

  /** A writable stream for an intermediate file, of type `temp_file`. Release it when the work is done. */
  createTempFile(session: SessionRef, description: Omit<FileDescription, 'type'> = {}): Promise<FileSink> {
    return this.createFile(session, { ...description, type: 'temp_file' });
  }

  /**
   * Adopts a file that other code wrote: moves it from a folder of the option `adoptFrom` into the session. On failure the
   * file stays where it was.
   * @throws SessionsError `FILE_NOT_ADOPTABLE`, and the codes of `createFile`
   */
  adoptFile(session: SessionRef, path: string, description: FileDescription): Promise<ResourceRecord> {
    return this.parts.resources.adoptFile(session, path, description);
  }

  /**
   * Counts a live connection as a resource of the session, and closes it when the session ends, or with `stale` when its token
   * is replaced; `connection.suspend`, if it has one, is called up to 1 s before that. Event streams and WebSocket
   * gateways of this package do this automatically.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `STREAMS_FULL` (option `maxStreamsPerSession`)
   */
  trackStream(
    session: SessionRef,
    connection: Closable,
    description: Omit<FileDescription, 'type'> = {},
  ): Promise<TrackedStream> {
    return this.parts.resources.trackStream(session, connection, description);
  }

  /**
   * Opens a file for reading; it is not evicted until the stream is closed. `range`: first and last byte, both included. The
   * stream fails when the session ends; also when its token is replaced, if the record was found with a `Session`.
   * @throws SessionsError `RESOURCE_GONE`; `RESOURCE_ELSEWHERE` if the file is on another node
   */
  openResource(resource: ResourceRef, range?: ByteRange): Promise<OpenedResource> {
    return this.parts.waysOut.reading.open(resource, range);
  }

  /**
   * Lends a file to a program that needs a path, until `work` has settled; answers what `work` does. The file is in use meanwhile, and
   * cannot be changed through the path, whose extension comes from the media type. When the session ends, the path is removed and `signal`
   * aborted at once, and this rejects when `work` has settled; also when the token is replaced, if found with a `Session`.
   * @throws SessionsError `RESOURCE_GONE`, `RESOURCE_ELSEWHERE`, `SESSION_GONE`, `SESSION_STALE`; what `work` throws
   */
  withFile<Result>(
    resource: ResourceRef,
    work: (path: string, signal: AbortSignal) => Result | Promise<Result>,
  ): Promise<Result> {
    return this.parts.waysOut.lending.lend(resource, work);
  }

  /**
   * Moves a file out of the session to `path`, in a folder of the option `claimTo`: then the whole file is durable there, with mode 600,
   * and not in the session. It never replaces a file; a crash leaves it whole, either there or in the session. Reads under way go on.
   * @throws SessionsError `INVALID_ARGUMENT` (not in `claimTo`), `FILE_EXISTS`, `RESOURCE_GONE`, `RESOURCE_ELSEWHERE`, `SESSION_STALE`,
   * `RESOURCES_IN_USE` (another call is claiming it), `STORAGE_FULL`; the file stays in the session then
   */
  claim(resource: ResourceRef, path: string): Promise<void> {
    return this.parts.waysOut.claiming.claim(resource, path);
  }

  /**
   * Checks by the record alone that this node has the file.
   * @throws SessionsError `RESOURCE_ELSEWHERE` if the file is on another node
   */
  requireHere(resource: Pick<ResourceRecord, 'nodeId'>): Promise<void> {
    return this.parts.waysOut.uses.requireHere(resource);
  }

  /**
   * A resource of this session whose bytes are all there; `null` for any other id, including that of another session's
   * resource.
   */
  async findResource(session: SessionRef, resourceId: string): Promise<ResourceRecord | null> {
    if (!isUuid(resourceId)) return null;
    const [resource, isLive] = await Promise.all([
      this.parts.resources.find(session, resourceId),
      this.parts.finder.isLiveNow(session.id),
    ]);
    return isLive ? resource : null;
  }

  /**
   * Releases a resource: its file is deleted when this resolves. A file of another node no longer counts, and that node
   * deletes it. Answers whether there was one to release.
   */
  release(resource: Pick<ResourceRecord, 'id'>): Promise<boolean> {
    return this.parts.resources.release(resource);
  }
}
