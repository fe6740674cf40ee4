import { setTimeout as delay } from 'node:timers/promises';
import type { EndReason } from '../../domain/session.js';

/** Why a connection is closed: its session ended, or this process goes down and the session lives on. */
export type CloseReason = EndReason | 'shutdown';

/** How one kind of connection is closed; may be called more than once. */
export type Closer = (reason: CloseReason) => void | Promise<void>;

/** A connection that does not close is waited for no longer than this: an end does not hang on it, nor does a shutdown. */
const CLOSE_MS = 2000;

/**
 * What is under way for each session in this process (streams, uploads, downloads), so that it can be cut off in the
 * instant its session ends.
 */
export class LiveConnections {
  private readonly bySession = new Map<string, Set<Closer>>();

  /** Of the sessions that have something under way here. */
  get sessionIds(): string[] {
    return [...this.bySession.keys()];
  }

  /** Registers; what it returns takes it off again, as often as it is called. */
  add(sessionId: string, closer: Closer): () => void {
    const closers = this.bySession.get(sessionId) ?? new Set();
    this.bySession.set(sessionId, closers.add(closer));
    return () => {
      closers.delete(closer);
      if (closers.size === 0 && this.bySession.get(sessionId) === closers) this.bySession.delete(sessionId);
    };
  }

  /** Closes everything of a session; resolves when all of it is closed, has failed to, or takes longer than 2 s. */
  async close(sessionId: string, reason: CloseReason): Promise<void> {
    const closers = this.bySession.get(sessionId);
    if (!closers) return;
    this.bySession.delete(sessionId);
    const closing = Promise.allSettled([...closers].map(async (closer) => closer(reason)));
    await Promise.race([closing, delay(CLOSE_MS, undefined, { ref: false })]);
  }

  /** Closes everything of all sessions, for the process goes down. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.bySession.keys()].map((sessionId) => this.close(sessionId, 'shutdown')));
  }
}
