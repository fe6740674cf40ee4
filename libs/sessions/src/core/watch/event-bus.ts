import type { SessionEventName, SessionEvents } from '../../domain/events.js';
import { describeError, type Log } from './log.js';

export type SessionEventListener<Name extends SessionEventName> = (event: SessionEvents[Name]) => unknown;

/**
 * Tells an application what happens to its sessions. Listeners are called one after the other, after the fact; one that
 * throws, rejects or never ends is logged at most, and harms nothing and nobody.
 */
export class SessionEventBus {
  private readonly listeners = new Map<SessionEventName, Set<SessionEventListener<never>>>();

  constructor(private readonly log: Log) {}

  /** Subscribes; what it returns ends the subscription. Subscribing the same function twice counts once. */
  on<Name extends SessionEventName>(name: Name, listener: SessionEventListener<Name>): () => void {
    const known = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, known.add(listener));
    return () => known.delete(listener);
  }

  /** @internal */
  emit<Name extends SessionEventName>(name: Name, event: SessionEvents[Name]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      void this.tell(name, listener as SessionEventListener<Name>, event);
    }
  }

  private async tell<Name extends SessionEventName>(
    name: Name,
    listener: SessionEventListener<Name>,
    event: SessionEvents[Name],
  ): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      this.log.error(`A listener of ${name} failed: ${describeError(error)}`);
    }
  }
}
