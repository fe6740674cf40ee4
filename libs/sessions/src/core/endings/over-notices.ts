import type { SessionEvents } from '../../domain/events.js';
import type { SessionEventBus } from '../watch/event-bus.js';

/** Sessions remembered as announced. The feed reports an end twice, first as `ending`, then as `ended`. */
const MOST_REMEMBERED = 50_000;

/** Emits `session.over` once for each session, however often this process learns of its end. */
export class OverNotices {
  private readonly announced = new Set<string>();

  constructor(private readonly events: SessionEventBus) {}

  announce(over: SessionEvents['session.over']): void {
    const { sessionId } = over;
    if (this.announced.has(sessionId)) return;
    this.announced.add(sessionId);
    if (this.announced.size > MOST_REMEMBERED) this.forgetOldest();
    this.events.emit('session.over', over);
  }

  private forgetOldest(): void {
    for (const oldest of this.announced) {
      this.announced.delete(oldest);
      return;
    }
  }
}
