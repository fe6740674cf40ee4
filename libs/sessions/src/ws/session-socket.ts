import type { WebSocket } from 'ws';
import type { SessionService } from '../core/sessions/session.service.js';
import { Session } from '../core/handles/session.js';
import { whyOver } from '../domain/lifetime.js';
import type { SessionRecord } from '../domain/session.js';
import { BackpressureWebSocket } from './backpressure-web-socket.js';
import { closeSocket } from './close-socket.js';
import type { UpgradedSocket } from './refused-socket.js';
import { noteSessionOf } from '../http/session/connection-sessions.js';
import type { Clock } from '../ports/clock.js';
import type { Closable, CloseReason } from '../core/process/live-connections.js';

const SESSION_ENDED = 4401;
/** Its token was replaced: the client reconnects with the new one. */
export const SESSION_STALE = 4409;
const GOING_AWAY = 1001;
export const TRY_AGAIN_LATER = 1013;

/**
 * One WebSocket of a session. Its messages are activity of the session; none is handled after the session's end, or once its
 * token is replaced.
 */
export class SessionSocket implements Closable, UpgradedSocket {
  readonly session: Session;
  private socket: WebSocket | undefined;
  private closedFor: CloseReason | undefined;
  private isSuspended = false;
  private lastActivityAt: number;
  /** Whether the message that is being dispatched may be handled. */
  private admission: boolean | Promise<boolean> = true;

  constructor(
    private readonly record: SessionRecord,
    private readonly service: SessionService,
    private readonly clock: Clock,
  ) {
    this.session = new Session(record);
    this.lastActivityAt = clock.now();
  }

  /** Call it after the upgrade. Closes the connection if it was cut off meanwhile. */
  attach(socket: WebSocket): void {
    this.socket = socket;
    noteSessionOf(socket, this.session);
    socket.on('message', () => {
      this.admission = this.admit();
    });
    if (this.isSuspended) this.suspend();
    if (this.closedFor !== undefined) void this.close(this.closedFor);
  }

  /** Runs `handle` unless the session has ended. Call it while the message is being dispatched. */
  guard<Answer>(handle: () => Answer): Answer | undefined | Promise<Answer | undefined> {
    const { admission } = this;
    if (typeof admission === 'boolean') return admission ? handle() : undefined;
    return admission.then((isAdmitted) => (isAdmitted ? handle() : undefined));
  }

  suspend(): void {
    this.isSuspended = true;
    // Of another class only if the gateway's options name one.
    if (this.socket instanceof BackpressureWebSocket) this.socket.suspend();
  }

  /** Resolves when the connection is closed. */
  close(reason: CloseReason): Promise<void> {
    this.closedFor ??= reason;
    switch (reason) {
      case 'shutdown':
        return this.closeWith(GOING_AWAY, 'going away');
      case 'stale':
        return this.closeWith(SESSION_STALE, 'token replaced');
      default:
        return this.closeWith(SESSION_ENDED, 'session ended');
    }
  }

  private async closeWith(code: number, text: string): Promise<void> {
    if (this.socket) await closeSocket(this.socket, code, text);
  }

  private admit(): boolean | Promise<boolean> {
    if (this.isCutOff) return false;
    const now = this.clock.now();
    const asUsedHere = { ...this.record, lastActivityAt: this.lastActivityAt, confirmed: true };
    return whyOver(asUsedHere, now) === null ? this.touch(now) : this.askStore();
  }

  private get isCutOff(): boolean {
    return this.isSuspended || this.closedFor !== undefined;
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
      void this.close(whyOver(this.record, now) ?? 'idle');
    } catch {
      void this.closeWith(TRY_AGAIN_LATER, 'try again later');
    }
    return false;
  }
}
