import { once } from 'node:events';
import { UseFilters } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { CurrentSession, SessionsError, type Session, type SessionsModuleOptions } from 'nest-sessions';
import { sessionOf, SessionsWsAdapter, SessionsWsErrorFilter } from 'nest-sessions/ws';
import { WebSocket, type ClientOptions } from 'ws';
import { startSessionApp, type SessionApp } from '../http/session-app.js';
import type { AdapterName, TrustProxy } from '../support/http-app.js';

@WebSocketGateway({ path: '/live' })
export class LiveGateway {
  /** Session ids, as `handleConnection` found them. */
  readonly connected: (string | undefined)[] = [];
  readonly handled: unknown[] = [];
  /** The server's ends of the connections. */
  readonly clients: WebSocket[] = [];

  handleConnection(client: WebSocket): void {
    this.clients.push(client);
    this.connected.push(sessionOf(client)?.id);
  }

  @SubscribeMessage('whoami')
  whoami(@CurrentSession() session: Session, @ConnectedSocket() client: WebSocket) {
    return { event: 'you', data: [session.id, sessionOf(client)?.id] };
  }

  @SubscribeMessage('note')
  note(@MessageBody() body: unknown) {
    this.handled.push(body);
    return { event: 'noted', data: body };
  }

  @UseFilters(SessionsWsErrorFilter)
  @SubscribeMessage('fail')
  fail(): never {
    throw new SessionsError('RESOURCE_GONE', 'There is no such resource in this session.');
  }
}

export interface LiveApp extends SessionApp {
  readonly gateway: LiveGateway;
}

/** The session application with a WebSocket gateway at `/live`. */
export async function startLiveApp(
  adapter: AdapterName,
  options: Omit<SessionsModuleOptions, 'adapters'> = {},
  trustProxy?: TrustProxy,
  socketPath?: string,
): Promise<LiveApp> {
  const app = await startSessionApp(
    adapter,
    { openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0, ...options },
    {
      providers: [LiveGateway],
      configure: (nest) => nest.useWebSocketAdapter(new SessionsWsAdapter(nest)),
      ...(trustProxy === undefined ? {} : { trustProxy }),
      ...(socketPath === undefined ? {} : { socketPath }),
    },
  );
  return { ...app, gateway: app.app.get(LiveGateway) };
}

/** The client's end of a WebSocket, with all that it was told. */
export class LiveClient {
  readonly received: { event: string; data: unknown }[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;

  private constructor(readonly socket: WebSocket) {
    socket.on('error', () => {});
    socket.on('message', (data: Buffer) => this.received.push(JSON.parse(data.toString()) as never));
    this.closed = new Promise((resolve) =>
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
  }

  /** Connects, or rejects with the status that refused it. */
  static async connect(
    app: Pick<LiveApp, 'url'>,
    options: ClientOptions = {},
    path = '/live',
    protocols: string[] = [],
  ): Promise<LiveClient> {
    const isUnix = app.url.startsWith('unix:');
    const base = isUnix ? `ws+${app.url}:` : app.url.replace('http', 'ws');
    const socket = new WebSocket(`${base}${path}`, protocols, options);
    const client = new LiveClient(socket);
    const refused = new Promise<never>((_, reject) => {
      socket.once('unexpected-response', (_request, response) => {
        reject(new Error(`refused: ${response.statusCode}`));
        response.destroy();
      });
      socket.once('error', reject);
    });
    await Promise.race([once(socket, 'open'), refused]);
    return client;
  }

  async ask(event: string, data: unknown = null): Promise<{ event: string; data: unknown }> {
    const answered = once(this.socket, 'message');
    this.socket.send(JSON.stringify({ event, data }));
    await answered;
    return this.received.at(-1)!;
  }
}
