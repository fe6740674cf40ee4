import { hasCode, SessionsError } from '../../domain/errors.js';
import { STREAM_TYPE, type ResourceRecord } from '../../domain/resource.js';
import { idleEndOf } from '../../domain/lifetime.js';
import { authorityOf, type Authority } from '../../domain/session.js';
import type { NewLogin, NewToken, Refused, SessionsGroup } from '../../ports/sessions.js';
import type { Ender } from '../endings/ender.js';
import {
  requireFlag,
  requireSession,
  requireUpTo,
  requireUserId,
  requireWord,
} from '../handles/arguments.js';
import { Session } from '../handles/session.js';
import type { SessionToken } from '../tokens/session-token.js';
import type { TokenUse } from '../tokens/token-codec.js';
import { actorOf } from '../handles/actor-of.js';
import type { CoreContext } from '../process/context.js';
import { applyReplacement } from '../endings/replacements.js';
import { untilAnswered } from '../process/bounded-wait.js';
import { admitted } from '../resources/refused.js';
import type { Resources } from '../resources/resources.js';
import { describeError } from '../watch/log.js';
import { openingError, type SessionOpener } from './session-opener.js';
import { UserSessionLimit } from './user-session-limit.js';

const IF_TAKEN = ['refuse', 'restart'] as const;
const KEEP = ['all', 'files', 'nothing'] as const;

export interface LoginOptions {
  /**
   * If the session is bound to another user: `refuse` the login with `SESSION_TAKEN`; or `restart`, which ends that session
   * and logs in to a new, empty one. Default: `refuse`.
   */
  readonly ifTaken?: (typeof IF_TAKEN)[number];
  /** What the session keeps of the files and data that it had before the login. Default: `all`. */
  readonly keep?: (typeof KEEP)[number];
  /** The absolute end: seconds from this login on, up to 400 days. Default: that of the session, which nothing else moves. */
  readonly maxDurationSeconds?: number;
  /** The idle end: seconds without activity, up to 400 days. Default: that of the session. */
  readonly maxIdleSeconds?: number;
  /**
   * Whether the cookie outlives the browser, until the absolute end (`Max-Age`). It holds for later tokens too, until another login.
   * Default: false.
   */
  readonly remember?: boolean;
}

export interface RegenerateOptions {
  /**
   * For a routine rotation, while nobody is suspected to have the old token: streams and transfers go on, and so do `Session`
   * objects of requests under way. Default: false.
   */
  readonly keepConnections?: boolean;
}

/** Browsers keep no cookie longer (RFC 6265bis, section 5.5). */
const MOST_SECONDS = 400 * 24 * 3600;

/** A new token, and what the `Session` object becomes. */
interface Bound {
  readonly token: SessionToken;
  readonly values: Partial<Session>;
}

/** Gives sessions new tokens, with a user (login) or without (regenerate). */
export class SessionLogins {
  private readonly limit: UserSessionLimit;

  constructor(
    private readonly context: CoreContext,
    private readonly opener: SessionOpener,
    private readonly ender: Ender,
    private readonly resources: Resources,
  ) {
    this.limit = new UserSessionLimit(context, ender);
  }

  async login(session: Session, userId: string, options: LoginOptions = {}): Promise<SessionToken> {
    const { ifTaken = 'refuse', keep = 'all', remember } = options;
    requireSession(session);
    requireUserId(userId);
    requireWord('ifTaken', ifTaken, IF_TAKEN);
    requireWord('keep', keep, KEEP);
    requireUpTo('maxDurationSeconds', options.maxDurationSeconds, MOST_SECONDS);
    requireUpTo('maxIdleSeconds', options.maxIdleSeconds, MOST_SECONDS);
    requireFlag('remember', remember);
    const login = this.bind(session, userId, { ...options, ifTaken }, keep !== 'all');
    await Session.replace(
      session,
      login.then(({ values }) => values),
    );
    // Before the client gets the token: nobody ever reads what has to go.
    if (keep === 'nothing') await this.releaseFiles(session);
    const { token } = await login;
    this.carry(session, token);
    this.context.events.emit('session.login', { sessionId: session.id, userId });
    return token;
  }

  async regenerate(
    session: Session,
    { keepConnections = false }: RegenerateOptions = {},
  ): Promise<SessionToken> {
    requireSession(session);
    const token = this.context.tokens.createFor(session.id, useOf(session));
    await Session.replace(session, this.replaceToken(session, token, keepConnections));
    this.carry(session, token);
    this.context.events.emit('session.regenerated', { sessionId: session.id });
    return token;
  }

  private async bind(
    session: Session,
    userId: string,
    options: LoginOptions,
    dropsData: boolean,
    use = useOf(session),
  ): Promise<Bound> {
    const token = this.context.tokens.createFor(session.id, use);
    const authority = Session.authorityOf(session);
    const ends = endsOf(options, this.context.clock.now());
    const { maxSessionsPerUser: maxSessions } = this.context.config;
    const note = await this.context.journal.noteOfLogin(actorOf(session), userId);
    const login = { ...this.newToken(token), userId, dropsData, maxSessions, note, ...ends };
    const answer = await this.replacing(session, token, (sessions) =>
      this.limit.within(session.id, login, () => sessions.login(session.id, authority, login)),
    );
    if (answer === 'taken' && options.ifTaken === 'restart')
      return this.restart(session, userId, options, use);
    admit(answer);
    // Moves no activity: with the touches, the store notes that the network no longer counts the session as unconfirmed.
    this.context.touches.add(session.id, session.createdAt, 0);
    const values = { authority: authorityOf(token.hash), userId, ...shown(ends, session) };
    this.applied(session, token, []);
    return { token, values };
  }

  /**
   * Logs in to a new session, and ends this one, which goes on if that is refused. Before its end its token is replaced, by one that
   * nobody gets: of two restarts at once one wins, and requests parallel to it get no new session, whose cookie would replace the
   * good one.
   */
  private async restart(
    session: Session,
    userId: string,
    options: LoginOptions,
    use: TokenUse,
  ): Promise<Bound> {
    const { ipAddress, userAgent } = session;
    const opening = await this.opener.open({ ipAddress, userAgent }, use, true);
    if (opening.kind === 'refused') throw openingError(opening);
    try {
      const refusing: LoginOptions = { ...options, ifTaken: 'refuse' };
      const { token, values } = await this.bind(opening.session, userId, refusing, false, use);
      await this.replaceToken(session, this.context.tokens.createFor(session.id));
      await untilAnswered(this.context.clock, () =>
        this.ender.end(session.id, 'ended', { by: actorOf(session) }),
      );
      return { token, values: Object.assign(opening.session, values) };
    } catch (error) {
      await this.ender.end(opening.session.id, 'ended', { by: actorOf(session) }).catch(() => {});
      throw error;
    }
  }

  /** To the client, whose cookie lives as long as the session if that is remembered. */
  private carry(session: Session, token: SessionToken): void {
    const leftSeconds = Math.floor((session.expiresAt - this.context.clock.now()) / 1000);
    const kept = session.remembered ? Math.min(Math.max(leftSeconds, 0), MOST_SECONDS) : null;
    Session.carrierOf(session)?.carry(token, kept);
  }

  private async replaceToken(
    session: Session,
    token: SessionToken,
    keepsAuthority = false,
  ): Promise<Pick<Session, 'authority'>> {
    const authority = Session.authorityOf(session);
    const note = this.context.journal.note(actorOf(session));
    const replacement = { ...this.newToken(token), keepsAuthority, note };
    admit(
      await this.replacing(session, token, (sessions) =>
        sessions.regenerate(session.id, authority, replacement),
      ),
    );
    this.applied(session, token, keepsAuthority && authority !== null ? [authority] : []);
    return { authority: authorityOf(token.hash) };
  }

  /** Takes the old token's sessions and connections away from this process, except what was begun with this very object. */
  private applied(session: Session, token: SessionToken, keptAuthorities: readonly Authority[]): void {
    const authority = authorityOf(token.hash);
    const sent = Session.carrierOf(session)?.sent();
    applyReplacement(this.context, { id: session.id, authority, keptAuthorities }, sent);
  }

  /** A step that replaces the token. Whatever was begun with this object is not cut off by the feed, if that is faster. */
  private async replacing<Answer extends string>(
    session: Session,
    token: SessionToken,
    step: (sessions: SessionsGroup) => Promise<Answer>,
  ): Promise<Answer> {
    const authority = authorityOf(token.hash);
    Session.expect(session, authority);
    let answer: Answer | null = null;
    try {
      return (answer = await this.untilAnswered(step));
    } finally {
      if (answer !== 'done') Session.unexpect(session, authority);
      // It may have happened all the same, and the feed may have told it while the object was still waiting for it.
      if (answer === null) this.ender.doubt(session.id);
    }
  }

  private newToken(token: SessionToken): Pick<NewToken, 'tokenHash' | 'at'> {
    return { tokenHash: token.hash, at: this.context.clock.now() };
  }

  private untilAnswered<Answer>(step: (sessions: SessionsGroup) => Promise<Answer>): Promise<Answer> {
    const { clock, store } = this.context;
    return untilAnswered(clock, () => step(store.sessions));
  }

  private async releaseFiles(session: Session): Promise<void> {
    const { clock } = this.context;
    const held = await untilAnswered(clock, () => this.resources.list(session));
    const files = held.filter(({ type }) => type !== STREAM_TYPE);
    await Promise.all(files.map(async (file) => untilAnswered(clock, () => this.release(file))));
  }

  /** A file that cannot be deleted is out of reach all the same. */
  private async release(file: ResourceRecord): Promise<void> {
    try {
      await this.resources.release(file);
    } catch (error) {
      if (hasCode(error, 'STORE_UNAVAILABLE')) throw error;
      const reason = describeError(error);
      this.context.failures.note(
        'Failed releases',
        `Releasing resource ${file.id} failed, the next cleanup retries: ${reason}`,
        'warn',
      );
    }
  }
}

type Ends = Pick<NewLogin, 'expiresAt' | 'idleMs' | 'remembered'>;

/** The ends that a login gives a session. */
function endsOf({ maxDurationSeconds, maxIdleSeconds, remember = false }: LoginOptions, now: number): Ends {
  return {
    remembered: remember,
    ...(maxDurationSeconds !== undefined && { expiresAt: now + maxDurationSeconds * 1000 }),
    ...(maxIdleSeconds !== undefined && { idleMs: maxIdleSeconds * 1000 }),
  };
}

/** The same as a `Session` shows them. */
function shown({ idleMs, ...ends }: Ends, { lastActivityAt }: Session): Partial<Session> {
  return idleMs === undefined ? ends : { ...ends, idleEndsAt: idleEndOf(lastActivityAt, idleMs) };
}

/** What is given to nobody, because no request carries it, is a cookie's. */
function useOf(session: Session): TokenUse {
  return Session.carrierOf(session)?.use ?? 'cookie';
}

function admit(answer: 'done' | 'taken' | 'full' | Refused): void {
  if (answer === 'full') {
    throw new SessionsError(
      'USER_SESSIONS_FULL',
      'The user has as many sessions as a user may have (option maxSessionsPerUser): log out in another one first.',
    );
  }
  if (admitted(answer) === 'taken') {
    throw new SessionsError(
      'SESSION_TAKEN',
      "The session is bound to another user: log out first, or log in with ifTaken: 'restart'.",
    );
  }
}
