import { ServerResponse, type IncomingMessage } from 'node:http';
import { Logger, type INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Namespace, Server, ServerOptions, Socket } from 'socket.io';
import type { SessionsConfig } from '../core/config/config.js';
import { SESSIONS_CONFIG } from '../core/config/tokens.js';
import { SessionsError, staleSession } from '../domain/errors.js';
import { ConnectionGate } from '../http/connection/connection-gate.js';
import { noteSessionOf } from '../http/session/connection-sessions.js';
import { onceReaderIdles } from '../http/stream/idle-reader.js';
import { refusalFor } from './connection-refusal.js';
import { EngineBackpressure } from './engine-backpressure.js';
import { EngineConnection } from './engine-connection.js';
import type { EngineSocket } from './engine-socket.js';
import { NamespaceRequests } from './namespace-requests.js';

const MAX_MESSAGE_BYTES = 1_048_576;
/** Time for a client to join a namespace: until then it has shown no session. */
const CONNECT_WITHIN_MS = 10_000;

type GivenOptions = Partial<ServerOptions>;

/**
 * socket.io gateways whose connections belong to sessions: `app.useWebSocketAdapter(new SessionsIoAdapter(app))`.
 *
 * A client joins a namespace only with a live session, and from browsers only pages of the server's own host and of
 * `allowedOrigins` do; else it gets `connect_error` with the error's code in `data.code`. The token comes by cookie, or (option
 * `tokenIn`) as `auth: { token }` or a bearer token. A connection is one resource of its session, whatever the transport and the
 * number of namespaces; each message is activity of the session, and no ping or acknowledgement is. At the end of the session
 * each socket gets `session-ended` with the reason and is disconnected. At a new token (login, regenerate) it gets
 * `session-stale`, and the connection is closed: the client connects again, with the new cookie.
 *
 * The maximum message size is the option `maxHttpBufferSize`. Default: 1 MiB. A client that stays more than 1 MiB behind is
 * disconnected; so is one that joins no namespace within `connectTimeout` (default: 10 s), or asks for more than 32 at once.
 */
export class SessionsIoAdapter extends IoAdapter {
  protected override readonly logger = new Logger('SessionSockets');
  private readonly gate: ConnectionGate;
  private readonly readerIdleMs: number;
  /** The connection of each client that showed a session, once all that it asked for before is decided. */
  private readonly connections = new WeakMap<EngineSocket, Promise<EngineConnection | null>>();
  private readonly admitted = new WeakMap<Socket, EngineConnection>();
  private readonly requests = new WeakMap<EngineSocket, NamespaceRequests>();

  constructor(app: INestApplication) {
    super(app);
    this.readerIdleMs = app.get<SessionsConfig>(SESSIONS_CONFIG, { strict: false }).downloadIdleMs;
    this.gate = new ConnectionGate(app, 'socket.io connection', this.logger);
  }

  /** As the adapter of the app's Nest types it: Nest 11 leaves out namespaces. */
  override create(...args: Parameters<IoAdapter['create']>): ReturnType<IoAdapter['create']> {
    const server = super.create(...args);
    // Of a dynamic namespace, here and nowhere else: its children take over what guards it.
    if (!('engine' in server)) this.guard(server);
    return server;
  }

  override createIOServer(port: number, options: GivenOptions = {}): Server {
    const server = super.createIOServer(port, this.bounded(options) as ServerOptions);
    const clients = new Map<string, EngineBackpressure>();
    server.engine.use((request: IncomingMessage, response: object, next: () => void) => {
      if (response instanceof ServerResponse) this.watchReader(request, response, clients);
      next();
    });
    server.engine.on('connection', (engine: EngineSocket) => {
      const id = engine.transport.sid;
      clients.set(id, new EngineBackpressure(engine));
      this.requests.set(engine, new NamespaceRequests(engine));
      engine.once('close', () => clients.delete(id));
    });
    this.guard(server.of('/'));
    server.on('new_namespace', (namespace) => this.guard(namespace));
    return server;
  }

  private bounded({ allowRequest, ...options }: GivenOptions): GivenOptions {
    if (options.connectionStateRecovery) {
      throw new SessionsError(
        'CONFIG_INVALID',
        'The socket.io option connectionStateRecovery is set, but a client would get back the rooms and messages of the session ' +
          'that it had before: leave it out, and join rooms in handleConnection().',
      );
    }
    return {
      maxHttpBufferSize: MAX_MESSAGE_BYTES,
      connectTimeout: CONNECT_WITHIN_MS,
      ...options,
      allowRequest: (request, decide) => {
        if (isJsonp(request)) decide('JSONP polling is refused: pages of any site can read it', false);
        else if (allowRequest) allowRequest(request, decide);
        else decide(null, true);
      },
    };
  }

  /** Idempotent: a child of a dynamic namespace is guarded twice. */
  private guard(namespace: Namespace): void {
    namespace.use((socket, next) => {
      this.admit(socket).then(
        () => next(),
        (error: unknown) => {
          const refusal = refusalFor(error);
          if (refusal.data.statusCode >= 500) this.gate.noteFailure(error);
          next(refusal);
        },
      );
    });
    // Before Nest's own listener, so that the gateway's handleConnection() can ask for the session.
    namespace.on('connection', (socket) => {
      const connection = this.admitted.get(socket);
      if (connection) connection.join(socket);
      else socket.disconnect(true);
    });
  }

  private async admit(socket: Socket): Promise<void> {
    if (this.admitted.has(socket)) return;
    const join = () => this.join(socket);
    await (this.requests.get(socket.conn)?.decide(socket.nsp.name, join) ?? join());
  }

  private async join(socket: Socket): Promise<void> {
    const engine = socket.conn;
    const before = this.connections.get(engine) ?? Promise.resolve(null);
    const admission = before.then((known) => this.admitTo(known, socket));
    this.connections.set(
      engine,
      admission.catch(() => before),
    );
    const connection = await admission;
    this.admitted.set(socket, connection);
    noteSessionOf(socket, connection.session);
  }

  /** Decides on one client's namespaces one after the other: the first makes the connection that the others share. */
  private async admitTo(known: EngineConnection | null, socket: Socket): Promise<EngineConnection> {
    const { conn: engine, request } = socket;
    const presenting = { headers: withToken(request, socket.handshake.auth) };
    if (known) {
      const { id } = await this.gate.find(request, presenting);
      if (id !== known.session.id) {
        throw new SessionsError(
          'INVALID_ARGUMENT',
          'This connection belongs to another session: connect anew (forceNew).',
        );
      }
      if (known.isCutOff) throw staleSession();
      return known;
    }
    const connection = await this.gate.admit(
      request,
      presenting,
      (...parts) => new EngineConnection(...parts),
      (listener) => {
        if (engine.readyState === 'closed') listener();
        else engine.once('close', listener);
      },
    );
    connection.attach(engine);
    return connection;
  }

  /** Disconnects a client that does not read the answer to its poll. */
  private watchReader(
    { url = '' }: IncomingMessage,
    response: ServerResponse,
    clients: ReadonlyMap<string, EngineBackpressure>,
  ): void {
    onceReaderIdles(response, this.readerIdleMs, () => response.destroy());
    clients.get(parameterOf(url, 'sid') ?? '')?.addAnswer(response);
  }
}

/** The headers of the handshake; a token that the client sends in `auth` takes the place of a bearer token. */
function withToken(
  { headers }: IncomingMessage,
  { token }: { readonly token?: unknown },
): IncomingMessage['headers'] {
  return typeof token === 'string' ? { ...headers, authorization: `Bearer ${token}` } : headers;
}

function isJsonp({ url = '' }: IncomingMessage): boolean {
  return parameterOf(url, 'j') !== null;
}

function parameterOf(url: string, name: string): string | null {
  return new URLSearchParams(url.split('?', 2)[1]).get(name);
}
