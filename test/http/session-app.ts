import {
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Inject,
  Injectable,
  Param,
  Post,
  Query,
  Req,
  Res,
  Sse,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type MessageEvent,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import {
  CurrentSession,
  SessionResolver,
  SessionService,
  SkipSession,
  type Session,
  type SessionsModuleOptions,
} from 'nest-sessions';
import { ManualClock } from 'nest-sessions/testing';
import { Subject } from 'rxjs';
import { startApp, type AdapterName, type AppParts, type RunningApp } from '../support/http-app.js';
import { requestVerbatim, type VerbatimRequest, type VerbatimResponse } from '../support/verbatim-request.js';

/** Whoever wants to know the session before any interceptor runs. */
@Injectable()
class SessionGuard implements CanActivate {
  constructor(@Inject(SessionResolver) private readonly resolver: SessionResolver) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<
      Parameters<SessionResolver['resolve']>[0] & { seen?: string | undefined }
    >();
    request.seen = (await this.resolver.resolve(request, http.getResponse())).session?.id;
    return true;
  }
}

@Controller()
export class SessionController {
  readonly messages = new Subject<MessageEvent>();
  /** Holds `GET /slow` back until the test lets it go on. */
  slow = Promise.withResolvers<void>();
  slowArrived = Promise.withResolvers<void>();
  unsubscribed = 0;

  constructor(
    @Inject(SessionService) private readonly service: SessionService,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  @Get('session')
  show(@CurrentSession() session: Session) {
    const { id, ipAddress, userAgent, expiresAt } = session;
    return { id, ipAddress, userAgent, expiresAt };
  }

  @Get('open')
  open() {
    return { ok: true };
  }

  @Get('optional')
  optional(@CurrentSession({ optional: true }) session: Session | null) {
    return { id: session?.id ?? null };
  }

  @SkipSession()
  @Get('skipped')
  skipped(@CurrentSession({ optional: true }) session: Session | null) {
    return { id: session?.id ?? null };
  }

  @UseGuards(SessionGuard)
  @Get('guarded')
  guarded(@Req() request: { seen?: string }, @CurrentSession() session: Session) {
    return { seen: request.seen, id: session.id };
  }

  @Get('cached')
  @Header('Cache-Control', 'public, max-age=60')
  @Header('Vary', 'Accept')
  cached(@Res({ passthrough: true }) response: object) {
    this.host.httpAdapter.appendHeader(response, 'Set-Cookie', 'app=1');
    this.host.httpAdapter.appendHeader(response, 'Set-Cookie', 'theme=dark');
    return { ok: true };
  }

  @Get('slow')
  async waiting(@CurrentSession() session: Session) {
    this.slowArrived.resolve();
    await this.slow.promise;
    this.service.touch(session);
    const file = await this.service.createFile(session, { type: 'temp_file' });
    file.destroy();
    return { id: session.id };
  }

  @Post('regenerate')
  @HttpCode(200)
  async regenerate(@CurrentSession() session: Session) {
    await this.service.regenerate(session);
    return { id: session.id, expiresAt: session.expiresAt };
  }

  @Post('login/:user')
  @HttpCode(200)
  async login(
    @CurrentSession() session: Session,
    @Param('user') user: string,
    @Query('ifTaken') ifTaken: 'refuse' | 'restart' = 'refuse',
    @Query('remember') remember?: string,
    @Query('seconds') seconds?: string,
  ) {
    await this.service.login(session, user, {
      ifTaken,
      remember: remember !== undefined,
      ...(seconds !== undefined && { maxDurationSeconds: Number(seconds), maxIdleSeconds: Number(seconds) }),
    });
    return { id: session.id, expiresAt: session.expiresAt };
  }

  @Delete('session')
  @HttpCode(204)
  async end(@CurrentSession() session: Session) {
    await this.service.end(session);
  }

  @Sse('events')
  events() {
    return this.messages;
  }
}

@SkipSession()
@Controller('quiet')
export class QuietController {
  @Get()
  show() {
    return { ok: true };
  }
}

export interface SessionApp extends RunningApp {
  readonly clock: ManualClock;
  readonly service: SessionService;
  readonly controller: SessionController;
  /** A request of a client that keeps nothing by itself. */
  request(path: string, init?: VerbatimRequest): Promise<VerbatimResponse>;
  /** A client with a new session: the headers that present it. */
  visitor(headers?: Record<string, string>): Promise<Visitor>;
}

export interface Visitor {
  readonly id: string;
  readonly headers: Record<string, string>;
  readonly cookie: string;
}

/** An application whose handlers show what became of their session, on a clock that is moved by hand. */
export async function startSessionApp(
  adapter: AdapterName,
  options: Omit<SessionsModuleOptions, 'adapters'> = {},
  parts: Omit<AppParts, 'options'> = {},
): Promise<SessionApp> {
  const clock = new ManualClock();
  const running = await startApp(adapter, {
    ...parts,
    controllers: [SessionController, QuietController, ...(parts.controllers ?? [])],
    options: { store: 'memory', cleanupIntervalSeconds: 86_400, ...options, adapters: { clock } },
  });
  const request = (path: string, init?: VerbatimRequest): Promise<VerbatimResponse> =>
    requestVerbatim(running.url, path, init);
  return {
    ...running,
    clock,
    service: running.app.get(SessionService),
    controller: running.app.get(SessionController),
    request,
    async visitor(headers = { 'user-agent': 'test' }) {
      const response = await request('/session', { headers });
      const cookie = cookieOf(response);
      return { id: idIn(response), cookie, headers: { ...headers, cookie } };
    },
  };
}

/** The cookie that a response sets, as a client sends it back. */
export function cookieOf(response: VerbatimResponse): string {
  const lines = ourCookies(response);
  if (lines.length !== 1) throw new Error(`${lines.length} session cookies in ${response.status}`);
  return lines[0]!.split(';')[0]!;
}

/** Every session cookie that a response sets, whole. */
export function ourCookies(response: VerbatimResponse): string[] {
  return (response.headers['set-cookie'] ?? []).filter((line) => /^(__Host-|__Secure-)?sid=/.test(line));
}

export function idIn(response: VerbatimResponse): string {
  return (JSON.parse(response.text) as { id: string }).id;
}
