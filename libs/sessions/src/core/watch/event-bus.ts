import { channel, type Channel } from 'node:diagnostics_channel';
import type { SessionEventName, SessionEvents } from '../../domain/events.js';
import { describeError } from './log.js';
import type { RepeatedFailures } from './repeated-failures.js';

export type SessionEventListener<Name extends SessionEventName> = (event: SessionEvents[Name]) => unknown;

/**
 * Emits the events that an application subscribes to. Calls listeners in turn, after the fact, and does not await them. A
 * listener that throws or rejects is logged; it affects neither the caller nor other listeners.
 *
 * Each event is also published on the channel of `node:diagnostics_channel` with its name after `nest-sessions:`, such as
 * `nest-sessions:session.ended`: for tools that know nothing of the application. Subscribers must not throw or change it.
 */
export class SessionEventBus {
  private readonly listeners = new Map<SessionEventName, Set<SessionEventListener<never>>>();

  private readonly channels = new Map<SessionEventName, Channel>();

  constructor(private readonly failures: Pick<RepeatedFailures, 'note'>) {}

  /** Subscribes, and returns a function that unsubscribes. Subscribing the same function twice counts once. */
  on<Name extends SessionEventName>(name: Name, listener: SessionEventListener<Name>): () => void {
    const known = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, known.add(listener));
    return () => known.delete(listener);
  }

  /** @internal Whether anybody has subscribed: for events that are costly to make. */
  hasListeners(name: SessionEventName): boolean {
    return (this.listeners.get(name)?.size ?? 0) > 0 || this.channelOf(name).hasSubscribers;
  }

  /** @internal */
  emit<Name extends SessionEventName>(name: Name, event: SessionEvents[Name]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      void this.call(name, listener as SessionEventListener<Name>, event);
    }
    this.channelOf(name).publish(event);
  }

  private channelOf(name: SessionEventName): Channel {
    const known = this.channels.get(name) ?? channel(`nest-sessions:${name}`);
    this.channels.set(name, known);
    return known;
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
