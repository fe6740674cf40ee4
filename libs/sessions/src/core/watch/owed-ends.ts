import type { Actor } from '../../domain/journal/actor.js';
import type { EndReason } from '../../domain/session.js';

export interface OwedEnd {
  readonly reason: EndReason;
  readonly by: Actor;
}

/**
 * Ends that were asked for and that the store has not taken, e.g. because its disk is full: this process refuses these
 * sessions, and repeats the ends until the store takes them. They last as long as the process.
 */
export class OwedEnds {
  private readonly ends = new Map<string, OwedEnd>();

  get size(): number {
    return this.ends.size;
  }

  /** The oldest first. */
  get all(): readonly (readonly [sessionId: string, end: OwedEnd])[] {
    return [...this.ends];
  }

  add(sessionId: string, end: OwedEnd): void {
    this.ends.set(sessionId, end);
  }

  remove(sessionId: string): void {
    this.ends.delete(sessionId);
  }

  reasonOf(sessionId: string): EndReason | undefined {
    return this.ends.get(sessionId)?.reason;
  }
}
