import { setTimeout as delay } from 'node:timers/promises';
import { SessionsError, staleSession, type ErrorCode } from '../../domain/errors.js';
import type { EndReason } from '../../domain/session.js';
import type { SessionChange } from '../../ports/feed.js';
import { Session, type SessionRef } from '../handles/session.js';

/**
 * Why a connection is closed: its session ended, its token was replaced (`stale`), or this process shuts down. In the last two
 * cases the session goes on.
 */
export type CloseReason = EndReason | 'stale' | 'shutdown';

/** A live connection of any kind, closed when its session ends, its token is replaced or the process shuts down. */
export interface Closable {
  /** Bytes that it has sent and received so far, for timelines. Default: nobody counts them. */
  readonly transferredBytes?: number;
  /** From now on it neither sends nor accepts data: its token was replaced. `close` follows within a second. */
  suspend?(): void;
  close(reason: CloseReason): void | Promise<void>;
}

/** What the store knows of a connection. */
export interface Registered {
  readonly resourceId?: string;
  /**
   * Registers it again after the store dropped this process as silent. Rejects if it cannot go on, with `STORE_UNAVAILABLE`
   * only to be called again.
   */
  restore?(): Promise<void>;
}

/** A new token: what acts by other authorities is cut off. */
export type Replacement = Pick<SessionChange, 'id' | 'authority' | 'keptAuthorities'>;

/** What a connection is told that cannot be registered again. */
const REASONS: Partial<Record<ErrorCode, CloseReason>> = { SESSION_GONE: 'ended', SESSION_STALE: 'stale' };

/** Longest wait for a connection to close, so that it blocks neither an end nor a shutdown. */
const CLOSE_MS = 2000;
/** Longest wait for the response that carries the new token, before what acts by an old one is closed. */
const TOKEN_SENT_MS = 1000;

/** One stream or transfer that is registered: begin it before the first wait, and ask after each wait whether it may go on. */
export class LiveConnection {
  private failure: SessionsError | null = null;

  constructor(
    /** Its authority is read at each use: a login with this very object replaces it, and the connection goes on. */
    readonly session: SessionRef,
    private readonly connection: Closable,
    readonly registered: Registered,
    /** Unregisters it; repeating that does nothing. */
    readonly remove: () => void,
  ) {}

  /** @throws SessionsError `SESSION_GONE`, `SESSION_STALE`: it was cut off; or why it could not be registered again */
  requireOpen(): void {
    if (this.failure) throw this.failure;
  }

  suspend(): void {
    this.failure ??= staleSession();
    this.connection.suspend?.();
  }

  async close(reason: CloseReason): Promise<void> {
    if (reason === 'stale') this.failure ??= staleSession();
    else if (reason !== 'shutdown')
      this.failure ??= new SessionsError('SESSION_GONE', 'The session ended meanwhile.');
    await this.connection.close(reason);
  }

  /** Registers it again, or closes it; rejects if the store does not answer. */
  async restore(): Promise<void> {
    try {
      await this.registered.restore?.();
    } catch (error) {
      if (!(error instanceof SessionsError) || error.code === 'STORE_UNAVAILABLE') throw error;
      this.failure ??= error;
      await this.close(REASONS[error.code] ?? 'shutdown');
    }
  }
}

/**
 * The streams, uploads and downloads of each session in this process. They are closed the moment the session ends; what acts
 * by a replaced token stops at once, and is closed when the client may have the new one.
 */
export class LiveConnections {
  private readonly bySession = new Map<string, Set<LiveConnection>>();

  /** The sessions with connections in this process. */
  get sessionIds(): string[] {
    return [...this.bySession.keys()];
  }

  /** The resources that this process writes or streams. */
  get resourceIds(): Set<string> {
    const ids = this.all.map(({ registered }) => registered.resourceId);
    return new Set(ids.filter((id) => id !== undefined));
  }

  /** Registers a connection that is begun with `session`. */
  add(session: SessionRef, connection: Closable, registered: Registered = {}): LiveConnection {
    const { id } = session;
    const others = this.bySession.get(id) ?? new Set();
    const live = new LiveConnection(session, connection, registered, () => {
      others.delete(live);
      if (others.size === 0 && this.bySession.get(id) === others) this.bySession.delete(id);
    });
    this.bySession.set(id, others.add(live));
    return live;
  }

  /** Closes all connections of a session. Resolves when each has closed or failed to, after 2 s at most; never rejects. */
  async close(sessionId: string, reason: CloseReason): Promise<void> {
    const connections = this.bySession.get(sessionId);
    if (!connections) return;
    this.bySession.delete(sessionId);
    await closeAll([...connections], reason);
  }

  /**
   * Cuts off what acts by a replaced token: suspends it at once, and closes it when the response with the new token is out
   * (`tokenSent`), 1 s later at most. Never rejects.
   */
  async cutOffStale(replacement: Replacement, tokenSent?: Promise<void>): Promise<void> {
    const connections = [...(this.bySession.get(replacement.id) ?? [])];
    const stale = connections.filter(({ session }) => !Session.follows(session, replacement));
    for (const connection of stale) connection.suspend();
    if (stale.length === 0) return;
    const isLate = delay(TOKEN_SENT_MS, undefined, { ref: false });
    await (tokenSent ? Promise.race([tokenSent, isLate]) : isLate);
    for (const connection of stale) connection.remove();
    await closeAll(stale, 'stale');
  }

  /**
   * Registers all again, or closes them: the store dropped this process. Rejects if the store does not answer: call it again.
   */
  async restore(): Promise<void> {
    const outcomes = await Promise.allSettled(this.all.map((connection) => connection.restore()));
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure) throw failure.reason;
  }

  private get all(): LiveConnection[] {
    return [...this.bySession.values()].flatMap((connections) => [...connections]);
  }

  /** Closes the connections of all sessions for a shutdown. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.bySession.keys()].map((sessionId) => this.close(sessionId, 'shutdown')));
  }
}

async function closeAll(connections: readonly LiveConnection[], reason: CloseReason): Promise<void> {
  const closing = Promise.allSettled(connections.map((connection) => connection.close(reason)));
  await Promise.race([closing, delay(CLOSE_MS, undefined, { ref: false })]);
}
