import type { EndReason } from '../../domain/session.js';

/**
 * Ends that were asked for and that the store has not taken, e.g. because its disk is full: this process refuses these
 * sessions, and repeats the ends until the store takes them. They last as long as the process.
 */
export class OwedEnds {
  private readonly reasons = new Map<string, EndReason>();

  get size(): number {
    return this.reasons.size;
  }

  /** The oldest first. */
  get all(): readonly (readonly [sessionId: string, reason: EndReason])[] {
    return [...this.reasons];
  }

  add(sessionId: string, reason: EndReason): void {
    this.reasons.set(sessionId, reason);
  }

  remove(sessionId: string): void {
    this.reasons.delete(sessionId);
  }

  reasonOf(sessionId: string): EndReason | undefined {
    return this.reasons.get(sessionId);
  }
}
