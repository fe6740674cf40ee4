import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { SessionConnection, type Disconnection } from '../http/connection/session-connection.js';
import { noteSessionOf } from '../http/session/connection-sessions.js';
import { BackpressureWebSocket } from './backpressure-web-socket.js';
import { closeSocket } from './close-socket.js';
import type { UpgradedSocket } from './refused-socket.js';

const SESSION_ENDED = 4401;
/** Its token was replaced: the client reconnects with the new one. */
export const SESSION_STALE = 4409;
const GOING_AWAY = 1001;
export const TRY_AGAIN_LATER = 1013;

const CODES: Partial<Record<Disconnection, readonly [code: number, text: string]>> = {
  shutdown: [GOING_AWAY, 'going away'],
  stale: [SESSION_STALE, 'token replaced'],
  unavailable: [TRY_AGAIN_LATER, 'try again later'],
};

/** One WebSocket of a session. */
export class SessionSocket extends SessionConnection implements UpgradedSocket {
  private socket: WebSocket | undefined;
  /** Whether the message that is being dispatched may be handled. */
  private admission: boolean | Promise<boolean> = true;

  constructor(
    private readonly connection: Socket,
    ...parts: ConstructorParameters<typeof SessionConnection>
  ) {
    super(...parts);
  }

  /** With the request that began it. */
  get transferredBytes(): number {
    return this.connection.bytesRead + this.connection.bytesWritten;
  }

  /** Call it after the upgrade. Closes the connection if it was cut off meanwhile. */
  attach(socket: WebSocket): void {
    this.socket = socket;
    noteSessionOf(socket, this.session);
    socket.on('message', () => {
      this.admission = this.admitMessage();
    });
    this.catchUp();
  }

  /** Runs `handle` unless the session has ended. Call it while the message is being dispatched. */
  guard<Answer>(handle: () => Answer): Answer | undefined | Promise<Answer | undefined> {
    const { admission } = this;
    if (typeof admission === 'boolean') return admission ? handle() : undefined;
    return admission.then((isAdmitted) => (isAdmitted ? handle() : undefined));
  }

  override suspend(): void {
    super.suspend();
    // Of another class only if the gateway's options name one.
    if (this.socket instanceof BackpressureWebSocket) this.socket.suspend();
  }

  protected async disconnect(reason: Disconnection): Promise<void> {
    const [code, text] = CODES[reason] ?? [SESSION_ENDED, 'session ended'];
    if (this.socket) await closeSocket(this.socket, code, text);
  }
}
