import { UseFilters } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { CurrentSession, SessionsError, type Session, type SessionsModuleOptions } from 'nest-sessions';
import { sessionOf, SessionsIoAdapter, SessionsIoErrorFilter } from 'nest-sessions/socketio';
import type { ServerOptions, Socket } from 'socket.io';
import { io, type ManagerOptions, type Socket as ClientSocket, type SocketOptions } from 'socket.io-client';
import { startSessionApp, type SessionApp } from '../http/session-app.js';
import type { AdapterName, AppParts, TrustProxy } from '../support/http-app.js';

export const TRANSPORTS = ['websocket', 'polling'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

export class IoGateway {
  /** Session ids, as `handleConnection` found them. */
  readonly connected: (string | undefined)[] = [];
  readonly handled: unknown[] = [];
  /** The server's ends of the sockets. */
  readonly clients: Socket[] = [];

  handleConnection(client: Socket): void {
    this.clients.push(client);
    this.connected.push(sessionOf(client)?.id);
  }

  @SubscribeMessage('whoami')
  whoami(@CurrentSession() session: Session, @ConnectedSocket() client: Socket) {
    return [session.id, sessionOf(client)?.id];
  }

  @SubscribeMessage('note')
  note(@MessageBody() body: unknown) {
    this.handled.push(body);
    return body;
  }

  @UseFilters(SessionsIoErrorFilter)
  @SubscribeMessage('fail')
  fail(): never {
    throw new SessionsError('RESOURCE_GONE', 'There is no such resource in this session.');
  }
}

@WebSocketGateway()
export class MainGateway extends IoGateway {}

@WebSocketGateway({ namespace: 'chat' })
export class ChatGateway extends IoGateway {}

@WebSocketGateway({ namespace: /^\/room-\d+$/ as unknown as string })
export class RoomGateway extends IoGateway {}

export interface IoApp extends SessionApp {
  readonly gateway: MainGateway;
  readonly chat: ChatGateway;
  readonly rooms: RoomGateway;
}

export interface IoAppParts {
  readonly trustProxy?: TrustProxy;
  readonly server?: Partial<ServerOptions>;
}

/** As many sessions as a test wants. */
export const UNBOUNDED = { openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0 } as const;

/** The gateways, and the adapter with options of the socket.io server. */
export function ioParts(server: Partial<ServerOptions> = {}): Pick<AppParts, 'providers' | 'configure'> {
  class Adapter extends SessionsIoAdapter {
    override createIOServer(...[port, given]: Parameters<SessionsIoAdapter['createIOServer']>) {
      return super.createIOServer(port, { ...given, ...server });
    }
  }
  return {
    providers: [MainGateway, ChatGateway, RoomGateway],
    configure: (nest) => nest.useWebSocketAdapter(new Adapter(nest)),
  };
}

/** The session application with socket.io gateways in three namespaces, one of them dynamic. */
export async function startIoApp(
  adapter: AdapterName,
  options: Omit<SessionsModuleOptions, 'adapters'> = {},
  { trustProxy, server = {} }: IoAppParts = {},
): Promise<IoApp> {
  const app = await startSessionApp(
    adapter,
    { ...UNBOUNDED, ...options },
    { ...ioParts(server), ...(trustProxy === undefined ? {} : { trustProxy }) },
  );
  const [gateway, chat, rooms] = [MainGateway, ChatGateway, RoomGateway].map((one) => app.app.get(one)) as [
    MainGateway,
    ChatGateway,
    RoomGateway,
  ];
  return { ...app, gateway, chat, rooms };
}

/** What a refused client is told. */
export interface Refusal {
  readonly message: string;
  readonly code: string | undefined;
  readonly statusCode: number | undefined;
  /** Whether the client tries again by itself. */
  readonly triesAgain: boolean;
}

type ClientOptions = Partial<ManagerOptions & SocketOptions>;

/** The client's end of a socket, with all that it was told. */
export class IoClient {
  readonly received: { event: string; data: unknown[] }[] = [];
  readonly closed: Promise<string>;

  private constructor(readonly socket: ClientSocket) {
    socket.onAny((event: string, ...data: unknown[]) => this.received.push({ event, data }));
    this.closed = new Promise((resolve) => socket.once('disconnect', resolve));
  }

  /** Begins to connect, and does not connect again by itself unless told to. */
  static begin(url: string, options: ClientOptions = {}): IoClient {
    return new IoClient(
      io(url, { forceNew: true, reconnection: false, transports: ['websocket'], ...options }),
    );
  }

  /** The connected client, or what refused it. */
  static async try(url: string, options: ClientOptions = {}): Promise<IoClient | Refusal> {
    const client = IoClient.begin(url, options);
    const refusal = await client.outcome();
    if (refusal) client.socket.disconnect();
    return refusal ?? client;
  }

  /** Fails if the client is refused. */
  static async connect(url: string, options: ClientOptions = {}): Promise<IoClient> {
    const client = await IoClient.try(url, options);
    if (!(client instanceof IoClient)) throw new Error(`refused: ${JSON.stringify(client)}`);
    return client;
  }

  /** What refuses the client; `null` for nothing: it is connected. */
  outcome(): Promise<Refusal | null> {
    const { socket } = this;
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(null));
      socket.once('connect_error', (error: Error & { data?: { code?: string; statusCode?: number } }) =>
        resolve({
          message: error.message,
          code: error.data?.code,
          statusCode: error.data?.statusCode,
          triesAgain: socket.active,
        }),
      );
    });
  }

  ask(event: string, ...data: unknown[]): Promise<unknown> {
    return this.socket.timeout(5000).emitWithAck(event, ...data) as Promise<unknown>;
  }

  /** What it was told by the events of this name. */
  told(event: string): unknown[] {
    return this.received.filter((one) => one.event === event).map(({ data }) => data[0]);
  }
}
