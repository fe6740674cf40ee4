import 'reflect-metadata';
import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Sse,
  UseInterceptors,
  type DynamicModule,
  type MessageEvent,
  type Type,
} from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import {
  CurrentSession,
  DownloadInterceptor,
  SessionService,
  SessionsModule,
  UploadedResource,
  UploadInterceptor,
  type ResourceRecord,
  type Session,
  type SessionsOptions,
} from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { SessionsHealthModule } from 'nest-sessions/health';
import { interval, map, type Observable } from 'rxjs';
import type { WebSocket } from 'ws';

const TICK_MS = 250;
const FLOOD_MS = 20;
const FLOOD = 'x'.repeat(64 * 1024);

// Node runs these files as they are, and knows no decorators: they are applied by hand.

class FilesController {
  private readonly sessions: SessionService;

  constructor(sessions: SessionService) {
    this.sessions = sessions;
  }

  page(): object {
    return { page: 'for everybody' };
  }

  show(session: Session): object {
    return { id: session.id };
  }

  upload(resource: ResourceRecord): object {
    return { id: resource.id, bytes: resource.sizeBytes };
  }

  download(session: Session, id: string): Promise<ResourceRecord | null> {
    return this.sessions.findResource(session, id);
  }

  async login(session: Session, { user }: { user: string }): Promise<void> {
    await this.sessions.login(session, user);
  }

  async renew(session: Session): Promise<void> {
    await this.sessions.regenerate(session);
  }

  async logout(session: Session): Promise<void> {
    await this.sessions.end(session);
  }

  echo(body: unknown): object {
    return { length: JSON.stringify(body).length };
  }

  ticks(): Observable<MessageEvent> {
    return interval(TICK_MS).pipe(map(() => ({ data: { at: Date.now() } })));
  }

  flood(): Observable<MessageEvent> {
    return interval(FLOOD_MS).pipe(map(() => ({ data: FLOOD })));
  }
}

Controller()(FilesController);
Inject(SessionService)(FilesController, undefined, 0);
handle(FilesController, 'page', [Get('page')]);
handle(FilesController, 'show', [Get('session')], [CurrentSession()]);
handle(
  FilesController,
  'upload',
  [Post('files'), UseInterceptors(UploadInterceptor('file'))],
  [UploadedResource()],
);
handle(
  FilesController,
  'download',
  [Get('files/:id'), UseInterceptors(DownloadInterceptor)],
  [CurrentSession(), Param('id')],
);
handle(FilesController, 'login', [Post('login'), HttpCode(204)], [CurrentSession(), Body()]);
handle(FilesController, 'renew', [Post('renew'), HttpCode(204)], [CurrentSession()]);
handle(FilesController, 'logout', [Delete('session'), HttpCode(204)], [CurrentSession()]);
handle(FilesController, 'echo', [Post('echo')], [Body()]);
handle(FilesController, 'ticks', [Sse('ticks')]);
handle(FilesController, 'flood', [Sse('flood')]);

/** Sends without end, whatever becomes of the session: to stop it is not the application's part. */
class TalkativeGateway {
  private readonly everyMs: number;
  private readonly message: () => string;
  private readonly timers = new WeakMap<WebSocket, NodeJS.Timeout>();

  constructor(everyMs: number, message: () => string) {
    this.everyMs = everyMs;
    this.message = message;
  }

  handleConnection(client: WebSocket): void {
    this.timers.set(
      client,
      setInterval(() => client.send(this.message()), this.everyMs),
    );
  }

  handleDisconnect(client: WebSocket): void {
    clearInterval(this.timers.get(client));
  }
}

class TickingGateway extends TalkativeGateway {
  constructor() {
    super(TICK_MS, () => JSON.stringify({ at: Date.now() }));
  }
}
WebSocketGateway({ path: '/ticks' })(TickingGateway);

class FloodingGateway extends TalkativeGateway {
  constructor() {
    super(FLOOD_MS, () => FLOOD);
  }
}
WebSocketGateway({ path: '/flood' })(FloodingGateway);

/** What holds it together needs a class; nothing is asked of it. */
class NestApp {
  readonly name = 'torture';
}

/** A server with all that sessions own: files in and out, event streams, WebSockets. */
export function nestApp(options: SessionsOptions): DynamicModule {
  return {
    module: NestApp,
    imports: [SessionsModule.forRoot(options), SessionsAdminModule, SessionsHealthModule],
    controllers: [FilesController],
    providers: [TickingGateway, FloodingGateway],
  };
}

function handle(
  controller: Type,
  name: string,
  decorators: readonly MethodDecorator[],
  parameters: readonly ParameterDecorator[] = [],
): void {
  const prototype = controller.prototype as object;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!;
  for (const decorate of decorators.toReversed()) decorate(prototype, name, descriptor);
  for (const [index, decorate] of parameters.entries()) decorate(prototype, name, index);
}
