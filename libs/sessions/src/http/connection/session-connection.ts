import { Session } from '../../core/handles/session.js';
import type { Closable, CloseReason } from '../../core/process/live-connections.js';
import type { SessionService } from '../../core/sessions/session.service.js';
import { whyOver } from '../../domain/lifetime.js';
import type { EndReason, SessionRecord } from '../../domain/session.js';
import type { Clock } from '../../ports/clock.js';

/** Why a connection is closed; `unavailable`: the store could not tell whether a message may be handled. */
export type Disconnection = CloseReason | 'unavailable';

/**
 * One two-way connection of a session. Its messages are activity of the session; none is handled after the session's end, or once
 * its token is replaced.
 */
export abstract class SessionConnection implements Closable {
  readonly session: Session;
  protected closedFor: CloseReason | undefined;
  protected isSuspended = false;
  private lastActivityAt: number;

  constructor(
    private readonly record: SessionRecord,
    private readonly service: SessionService,
    private readonly clock: Clock,
  ) {
    this.session = new Session(record);
    this.lastActivityAt = clock.now();
  }

  suspend(): void {
    this.isSuspended = true;
  }

  /** Resolves when the connection is closed. */
  close(reason: CloseReason): Promise<void> {
    this.closedFor ??= reason;
    return this.disconnect(reason);
  }

  /** Does nothing before there is a connection; resolves when it is closed. */
  protected abstract disconnect(reason: Disconnection): Promise<void>;

  /** Call it once there is a connection: closes it if it was cut off meanwhile. */
  protected catchUp(): void {
    if (this.isSuspended) this.suspend();
    if (this.closedFor !== undefined) void this.close(this.closedFor);
  }

  /** Whether it handles no more messages, and closes soon. */
  get isCutOff(): boolean {
    return this.isSuspended || this.closedFor !== undefined;
  }

  /** Whether the message that has just come may be handled; if so, it is activity. Never rejects. */
  protected admitMessage(): boolean | Promise<boolean> {
    if (this.isCutOff) return false;
    const now = this.clock.now();
    return this.whyOverHere(now) === null ? this.touch(now) : this.askStore();
  }

  /** Why the session is over by this connection's own activity; its client has shown the cookie. */
  private whyOverHere(now: number): EndReason | null {
    return whyOver({ ...this.record, lastActivityAt: this.lastActivityAt, confirmed: true }, now);
  }

  private touch(now: number): true {
    this.lastActivityAt = now;
    this.service.touch(this.session);
    return true;
  }

  /** By this connection's own activity the session is over, but other requests may have kept it alive. */
  private async askStore(): Promise<boolean> {
    try {
      const details = await this.service.describe(this.session);
      const now = this.clock.now();
      if (this.isCutOff) return false;
      if (details && whyOver(details, now) === null) return this.touch(now);
      void this.close(this.whyOverHere(now) ?? 'idle');
    } catch {
      void this.disconnect('unavailable');
    }
    return false;
  }
}
