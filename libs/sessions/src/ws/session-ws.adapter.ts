import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Logger, type INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import type { MessageMappingProperties } from '@nestjs/websockets';
import type {
  ServerOptions as WebSocketServerOptions,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
  WebSocket,
  WebSocketServer,
} from 'ws';
import type { SessionsConfig } from '../core/config/config.js';
import { describeError } from '../core/watch/log.js';
import { ConnectionGate } from '../http/connection/connection-gate.js';
import { withoutTokens } from '../http/token/token-header.js';
import { SESSIONS_CONFIG } from '../core/config/tokens.js';
import { BackpressureWebSocket } from './backpressure-web-socket.js';
import { RefusedSocket, type UpgradedSocket } from './refused-socket.js';
import { refusalFor, refusalOf, refuseUpgrade, type UpgradeRefusal } from './upgrade-answer.js';
import { UpgradeGate } from './upgrade-gate.js';

const MAX_MESSAGE_BYTES = 1_048_576;

type VerifyClient = VerifyClientCallbackAsync | VerifyClientCallbackSync;
type Upgrade = Parameters<VerifyClientCallbackAsync>[0];
type Verdict = Parameters<VerifyClientCallbackAsync>[1];
type ServerOptions = NonNullable<Parameters<WsAdapter['create']>[1]>;
type HandleProtocols = NonNullable<WebSocketServerOptions['handleProtocols']>;

/** Options of a gateway that are for the WebSocket server. */
interface GatewayOptions {
  readonly verifyClient?: VerifyClient;
  readonly handleProtocols?: HandleProtocols;
}

/**
 * WebSocket gateways whose connections belong to sessions: `app.useWebSocketAdapter(new SessionsWsAdapter(app))`.
 *
 * Only clients with a live session are accepted (else 401; 503 while the store is unavailable), and from browsers only
 * pages of the server's own host and of `allowedOrigins` (else 403). Each connection is a resource of its session, each
 * message is activity of the session, and the end of the session closes the connection with 4401, a new token (login,
 * regenerate) with 4409: reconnect. The maximum message
 * size is a gateway's option `maxPayload`. Default: 1 MiB. A client that stays more than 1 MiB behind is closed with
 * 1013; one that reads no pending bytes for `downloadIdleSeconds` is disconnected.
 */
export class SessionsWsAdapter extends WsAdapter {
  protected override readonly logger = new Logger('SessionSockets');
  private readonly gate: ConnectionGate;
  private readonly upgrades: UpgradeGate;
  private readonly readerIdleMs: number;
  private readonly admitted = new WeakMap<IncomingMessage, UpgradedSocket>();
  private readonly connections = new WeakMap<WebSocket, UpgradedSocket>();
  private readonly listeners = new Map<number, (...upgrade: [IncomingMessage, Duplex, Buffer]) => void>();

  constructor(app: INestApplication, options?: ConstructorParameters<typeof WsAdapter>[1]) {
    super(app, options);
    this.readerIdleMs = app.get<SessionsConfig>(SESSIONS_CONFIG, { strict: false }).downloadIdleMs;
    this.gate = new ConnectionGate(app, 'WebSocket', this.logger);
    this.upgrades = new UpgradeGate(this.gate);
  }

  override create(port: number, options: ServerOptions = {}): WebSocketServer {
    const { verifyClient, handleProtocols, ...others } = options as ServerOptions & GatewayOptions;
    const server = super.create(port, {
      maxPayload: MAX_MESSAGE_BYTES,
      WebSocket: BackpressureWebSocket,
      ...others,
      handleProtocols: (offered: Set<string>, request: IncomingMessage) =>
        answerTo(withoutTokens(offered), request, handleProtocols),
      verifyClient: (upgrade: Upgrade, verdict: Verdict) => void this.verify(upgrade, verdict, verifyClient),
    }) as WebSocketServer;
    // Before Nest's own listener, so that the gateway's handleConnection() can ask for the session.
    server.on('connection', (socket, request) => this.connect(socket, request));
    return server;
  }

  override bindMessageHandlers(...args: Parameters<WsAdapter['bindMessageHandlers']>): void {
    const [client, handlers, transform] = args;
    const connection = this.connections.get(client as WebSocket);
    super.bindMessageHandlers(
      client,
      connection ? handlers.map((handler) => guarded(handler, connection)) : handlers,
      transform,
    );
  }

  /** Protocol errors of clients are no fault of the server: logged at debug level. */
  override bindErrorHandler(server: WebSocketServer): WebSocketServer {
    server.on('connection', (socket) =>
      socket.on('error', (error) => this.logger.debug(describeError(error))),
    );
    server.on('error', (error) => this.logger.error(describeError(error)));
    return server;
  }

  override async dispose(): Promise<void> {
    for (const [port, listener] of this.listeners) {
      (this.httpServersRegistry.get(port) as Server | undefined)?.off('upgrade', listener);
    }
    this.listeners.clear();
    await super.dispose();
  }

  /** Replaces Nest's own listener, which closes upgrades at unknown paths without an answer. */
  protected override ensureHttpServerExists(port: number, httpServer = createServer()): Server | undefined {
    if (this.httpServersRegistry.has(port)) return undefined;
    this.httpServersRegistry.set(port, httpServer);
    const listener = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
      this.route(port, request, socket, head);
    this.listeners.set(port, listener);
    return httpServer.on('upgrade', listener);
  }

  private route(port: number, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const path = request.url?.split('?', 1)[0];
    const servers: WebSocketServer[] = this.wsServersRegistry.get(port) ?? [];
    const server = servers.find((candidate) => candidate.path === path);
    if (!server) return refuseUpgrade(socket, refusalOf(404));
    server.handleUpgrade(request, socket, head, (client) => {
      const connection = this.admitted.get(request);
      // The gateway never hears of it.
      if (connection instanceof RefusedSocket) connection.attach(client);
      else server.emit('connection', client, request);
    });
  }

  private async verify(upgrade: Upgrade, verdict: Verdict, then: VerifyClient | undefined): Promise<void> {
    const refusal = await this.admit(upgrade.req);
    if (refusal) verdict(false, refusal.status, refusal.text, refusal.headers);
    else if (!then) verdict(true);
    else if (then.length === 2) then(upgrade, verdict);
    else verdict((then as VerifyClientCallbackSync)(upgrade));
  }

  private async admit(request: IncomingMessage): Promise<UpgradeRefusal | null> {
    try {
      this.admitted.set(request, await this.upgrades.admit(request));
      return null;
    } catch (error) {
      const refusal = refusalFor(error);
      if (refusal.status >= 500) this.gate.noteFailure(error);
      return refusal;
    }
  }

  private connect(socket: WebSocket, request: IncomingMessage): void {
    const connection = this.admitted.get(request);
    if (!connection) return socket.terminate();
    this.connections.set(socket, connection);
    connection.attach(socket);
    this.watchReader(socket, request.socket);
  }

  /** Terminates a client that reads no pending bytes: a close frame would only queue behind them. */
  private watchReader(socket: WebSocket, connection: Socket): void {
    connection.setTimeout(this.readerIdleMs, () => {
      if (socket.bufferedAmount > 0) socket.terminate();
      else connection.setTimeout(this.readerIdleMs);
    });
  }
}

/** The first subprotocol that is offered, unless the gateway chooses. */
function answerTo(
  offered: Set<string>,
  request: IncomingMessage,
  choose: HandleProtocols = ([first]) => first ?? false,
): string | false {
  return choose(offered, request);
}

function guarded(handler: MessageMappingProperties, connection: UpgradedSocket): MessageMappingProperties {
  const { callback, ...names } = handler;
  return Object.assign(names, {
    callback: (...message: unknown[]) => connection.guard(() => callback(...message) as unknown),
  }) as MessageMappingProperties;
}
