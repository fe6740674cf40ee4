import type { Socket } from 'socket.io';
import { SessionConnection, type Disconnection } from '../http/connection/session-connection.js';
import { noteSessionOf } from '../http/session/connection-sessions.js';
import { closeEngine, type EngineSocket } from './engine-socket.js';

/** One connection of a session, with the sockets of all namespaces that its client joined. */
export class EngineConnection extends SessionConnection {
  private readonly sockets = new Set<Socket>();
  private engine: EngineSocket | undefined;

  /** Call it once the connection is admitted. Closes it if it was cut off meanwhile. */
  attach(engine: EngineSocket): void {
    this.engine = engine;
    this.catchUp();
  }

  /** A socket of the connection is connected. */
  join(socket: Socket): void {
    if (this.sockets.has(socket)) return;
    this.sockets.add(socket);
    noteSessionOf(socket, this.session);
    socket.once('disconnect', () => this.sockets.delete(socket));
    // A message that is not passed on is dropped. Acknowledgements do not come here: they answer what the server sent.
    socket.use((_event, next) => {
      const admission = this.admitMessage();
      if (admission === true) next();
      else if (admission !== false) void admission.then((isAdmitted) => isAdmitted && next());
    });
  }

  override suspend(): void {
    super.suspend();
    if (this.engine) mute(this.engine);
  }

  protected async disconnect(reason: Disconnection): Promise<void> {
    const { engine } = this;
    if (!engine) return;
    unmute(engine);
    for (const socket of this.sockets) tell(socket, reason);
    mute(engine);
    await closeEngine(engine);
  }
}

/** A client connects again by itself unless it is told that the server disconnected it. */
function tell(socket: Socket, reason: Disconnection): void {
  if (reason === 'shutdown' || reason === 'unavailable') return;
  if (reason === 'stale') {
    socket.emit('session-stale');
    return;
  }
  socket.emit('session-ended', { reason });
  socket.disconnect();
}

/** From now on what is sent to the client is dropped, and what comes from it; only pings go on. */
function mute(engine: EngineSocket): void {
  engine.removeAllListeners('data');
  engine.write = () => engine;
}

/** Undoes the half of `mute` that drops what is sent. */
function unmute(engine: EngineSocket): void {
  Reflect.deleteProperty(engine, 'write');
}
