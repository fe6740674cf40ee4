import { setTimeout as delay } from 'node:timers/promises';
import type { EndReason } from '../../domain/session.js';

/** Why a connection is closed: its session ended, or this process shuts down and the session goes on. */
export type CloseReason = EndReason | 'shutdown';

/** Closes a connection; may be called more than once. */
export type Closer = (reason: CloseReason) => void | Promise<void>;

/** Longest wait for a connection to close, so that it blocks neither an end nor a shutdown. */
const CLOSE_MS = 2000;

/** The streams, uploads and downloads of each session in this process, to be closed the moment the session ends. */
export class LiveConnections {
  private readonly bySession = new Map<string, Set<Closer>>();

  /** The sessions with connections in this process. */
  get sessionIds(): string[] {
    return [...this.bySession.keys()];
  }

  /** Registers a connection, and returns a function that unregisters it; repeating that does nothing. */
  add(sessionId: string, closer: Closer): () => void {
    const closers = this.bySession.get(sessionId) ?? new Set();
    this.bySession.set(sessionId, closers.add(closer));
    return () => {
      closers.delete(closer);
      if (closers.size === 0 && this.bySession.get(sessionId) === closers) this.bySession.delete(sessionId);
    };
  }

  /** Closes all connections of a session. Resolves when each has closed or failed to, after 2 s at most; never rejects. */
  async close(sessionId: string, reason: CloseReason): Promise<void> {
    const closers = this.bySession.get(sessionId);
    if (!closers) return;
    this.bySession.delete(sessionId);
    const closing = Promise.allSettled([...closers].map(async (closer) => closer(reason)));
    await Promise.race([closing, delay(CLOSE_MS, undefined, { ref: false })]);
  }

  /** Closes the connections of all sessions for a shutdown. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.bySession.keys()].map((sessionId) => this.close(sessionId, 'shutdown')));
  }
}
