import type { WebSocket } from 'ws';
import type { Closable } from '../core/resources/resources.js';
import type { SessionService } from '../core/sessions/session.service.js';
import { Session } from '../core/handles/session.js';
import { whyOver } from '../domain/lifetime.js';
import type { SessionRecord } from '../domain/session.js';
import { noteSessionOf } from '../http/session/connection-sessions.js';
import type { Clock } from '../ports/clock.js';
import type { CloseReason } from '../core/process/live-connections.js';

const SESSION_ENDED = 4401;
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;
/** The session has as many streams as it may: browsers learn of no other refusal than a close code. */
const TURNED_AWAY = 'too many streams';
/** Time for a peer to answer the close before its connection is terminated. */
const CLOSE_WITHIN_MS = 1000;

/** One WebSocket of a session. Its messages are activity of the session; none is handled after the session's end. */
export class SessionSocket implements Closable {
  readonly session: Session;
  private socket: WebSocket | undefined;
  private closedFor: CloseReason | typeof TURNED_AWAY | undefined;
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

  /** The connection closes as soon as it is attached, and none of its messages is handled. */
  turnAway(): void {
    this.closedFor = TURNED_AWAY;
  }

  /** Call it after the upgrade. Closes the connection if the session ended meanwhile, or it is turned away. */
  attach(socket: WebSocket): void {
    this.socket = socket;
    noteSessionOf(socket, this.session);
    socket.on('message', () => {
      this.admission = this.admit();
    });
    if (this.closedFor === TURNED_AWAY) void this.closeWith(TRY_AGAIN_LATER, TURNED_AWAY);
    else if (this.closedFor !== undefined) void this.close(this.closedFor);
  }

  /** Runs `handle` unless the session has ended. Call it while the message is being dispatched. */
  guard<Answer>(handle: () => Answer): Answer | undefined | Promise<Answer | undefined> {
    const { admission } = this;
    if (typeof admission === 'boolean') return admission ? handle() : undefined;
    return admission.then((isAdmitted) => (isAdmitted ? handle() : undefined));
  }

  /** Resolves when the connection is closed. */
  close(reason: CloseReason): Promise<void> {
    this.closedFor ??= reason;
    return reason === 'shutdown'
      ? this.closeWith(GOING_AWAY, 'going away')
      : this.closeWith(SESSION_ENDED, 'session ended');
  }

  private async closeWith(code: number, text: string): Promise<void> {
    const { socket } = this;
    if (!socket || socket.readyState === socket.CLOSED) return;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const timeout = setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS);
    socket.close(code, text);
    await closed;
    clearTimeout(timeout);
  }

  private admit(): boolean | Promise<boolean> {
    if (this.closedFor !== undefined) return false;
    const now = this.clock.now();
    const asUsedHere = { ...this.record, lastActivityAt: this.lastActivityAt, confirmed: true };
    return whyOver(asUsedHere, now) === null ? this.touch(now) : this.askStore();
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
      if (this.closedFor !== undefined) return false;
      if (details && whyOver(details, now) === null) return this.touch(now);
      void this.close(whyOver(this.record, now) ?? 'idle');
    } catch {
      void this.closeWith(TRY_AGAIN_LATER, 'try again later');
    }
    return false;
  }
}
