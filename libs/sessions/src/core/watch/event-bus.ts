import type { SessionEventName, SessionEvents } from '../../domain/events.js';
import { describeError } from './log.js';
import type { RepeatedFailures } from './repeated-failures.js';

export type SessionEventListener<Name extends SessionEventName> = (event: SessionEvents[Name]) => unknown;

/**
 * Emits the events that an application subscribes to. Calls listeners in turn, after the fact, and does not await them. A
 * listener that throws or rejects is logged; it affects neither the caller nor other listeners.
 */
export class SessionEventBus {
  private readonly listeners = new Map<SessionEventName, Set<SessionEventListener<never>>>();

  constructor(private readonly failures: Pick<RepeatedFailures, 'note'>) {}

  /** Subscribes, and returns a function that unsubscribes. Subscribing the same function twice counts once. */
  on<Name extends SessionEventName>(name: Name, listener: SessionEventListener<Name>): () => void {
    const known = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, known.add(listener));
    return () => known.delete(listener);
  }

  /** @internal Whether anybody has subscribed: for events that are costly to make. */
  hasListeners(name: SessionEventName): boolean {
    return (this.listeners.get(name)?.size ?? 0) > 0;
  }

  /** @internal */
  emit<Name extends SessionEventName>(name: Name, event: SessionEvents[Name]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      void this.call(name, listener as SessionEventListener<Name>, event);
    }
  }

  private async call<Name extends SessionEventName>(
    name: Name,
    listener: SessionEventListener<Name>,
    event: SessionEvents[Name],
  ): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      this.failures.note(
        `Failed listeners of ${name}`,
        `Listener of event ${name} failed: ${describeError(error)}`,
      );
    }
  }
}
