import { connect } from 'node:net';
import { Readable } from 'node:stream';
import {
  Controller,
  createParamDecorator,
  ForbiddenException,
  Get,
  Header,
  Inject,
  Injectable,
  Param,
  Post,
  Req,
  Res,
  Sse,
  StreamableFile,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type MessageEvent,
} from '@nestjs/common';
import {
  CurrentSession,
  DownloadInterceptor,
  hasCode,
  PassiveRequest,
  SessionData,
  SessionResolver,
  SessionService,
  UploadedResource,
  UploadInterceptor,
  type ResourceRecord,
  type Session,
} from 'nest-sessions';
import { asyncScheduler, concat, of, scheduled, Subject, type Observable } from 'rxjs';

const LAST_EVENT = 'the last one';

/** What every client may see: it needs no session, and works without the module. */
@Controller('public')
export class PublicController {
  @Get('page')
  @Header('Cache-Control', 'public, max-age=600')
  @Header('Vary', 'Accept-Language')
  page() {
    return '<!doctype html><title>For everybody</title>';
  }

  @Get('json')
  json() {
    return { for: 'everybody' };
  }

  @Get('stream')
  stream() {
    return new StreamableFile(Readable.from(['one ', 'two']), { type: 'text/plain' });
  }

  @Get('written')
  written(@Res() response: object) {
    const raw = nodeResponseOf(response);
    raw.setHeader('ETag', '"1"');
    raw.end('written');
  }

  @Get('forbidden')
  forbidden(): never {
    throw new ForbiddenException();
  }

  @Get('broken')
  broken(): never {
    throw new Error('broken');
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    return scheduled<MessageEvent>(
      [{ id: 'a', data: { for: 'everybody' } }, { data: LAST_EVENT }],
      asyncScheduler,
    );
  }
}

/** Its routes, and such as no handler answers. */
export const PUBLIC_PATHS = [
  '/public/page',
  '/public/json',
  '/public/stream',
  '/public/written',
  '/public/forbidden',
  '/public/broken',
  '/public/events',
  '/static/app.js',
  '/nowhere',
];

/** Files that a middleware serves. */
export function serveStatic(app: INestApplication): void {
  app.use('/static', (_request: object, response: object) => {
    const raw = nodeResponseOf(response);
    raw.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
    raw.end('export {};');
  });
}

@Injectable()
class UsingGuard implements CanActivate {
  constructor(@Inject(SessionResolver) private readonly resolver: SessionResolver) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    return (await this.resolver.resolveFor(context)).session !== null;
  }
}

@Injectable()
class LookingGuard implements CanActivate {
  constructor(@Inject(SessionResolver) private readonly resolver: SessionResolver) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { session } = await this.resolver.lookFor(context);
    if (!session) throw new UnauthorizedException();
    return true;
  }
}

/** As an application reads a session by a decorator of its own. */
const ResolvedId = createParamDecorator(async (_data: unknown, context: ExecutionContext) => {
  const resolution = await UseController.resolver?.resolveFor(context);
  return resolution?.session?.id;
});

/** As a library for tracing does: the handler is another function, without a name. */
function Wrapped(): MethodDecorator {
  return (_target, _name, descriptor: PropertyDescriptor) => {
    const handler = descriptor.value as (...args: unknown[]) => unknown;
    descriptor.value = (() =>
      function (this: unknown, ...args: unknown[]) {
        return handler.apply(this, args);
      })();
  };
}

type Request = Parameters<SessionResolver['resolve']>[0];

@Controller('use')
export class UseController {
  static resolver: SessionResolver | undefined;
  readonly messages = new Subject<MessageEvent>();
  /** Codes of the errors that handlers caught. */
  readonly codes: unknown[] = [];
  arrived = Promise.withResolvers<void>();
  held = Promise.withResolvers<void>();

  constructor(
    @Inject(SessionResolver) private readonly resolver: SessionResolver,
    @Inject(SessionService) private readonly sessions: SessionService,
  ) {
    UseController.resolver = resolver;
  }

  @Get('session')
  show(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @Get('data')
  data(@SessionData('notice') notice: string | undefined) {
    return { notice: notice ?? null };
  }

  @Get('several')
  several(
    @CurrentSession() one: Session,
    @ResolvedId() resolved: string,
    @SessionData('notice') _notice: string | undefined,
    @CurrentSession({ optional: true }) other: Session | null,
  ) {
    return { id: one.id, ids: [one.id, resolved], other: other === null || other === one };
  }

  @Get('optional')
  optional(
    @CurrentSession({ optional: true }) session: Session | null,
    @SessionData('notice', { optional: true }) notice: string | undefined,
  ) {
    return { id: session?.id ?? null, notice: notice ?? null };
  }

  @Get('resolver')
  async resolve(@Req() request: Request, @Res({ passthrough: true }) response: object) {
    const [one, other] = await Promise.all([
      this.resolver.require(request, response),
      this.resolver.require(request, response),
    ]);
    return { id: one.id, same: one === other };
  }

  @UseGuards(UsingGuard)
  @Get('guard')
  guarded(@CurrentSession({ optional: true }) session: Session | null) {
    return { id: session?.id ?? null };
  }

  @UseGuards(LookingGuard)
  @Get('members')
  members(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @PassiveRequest()
  @Get('passive')
  passive(@CurrentSession({ optional: true }) session: Session | null) {
    return { id: session?.id ?? null };
  }

  @Post('upload')
  @UseInterceptors(UploadInterceptor('file'))
  upload(@UploadedResource() resource: ResourceRecord) {
    return { id: resource.sessionId };
  }

  @Get('download/:id')
  @UseInterceptors(DownloadInterceptor)
  download(@CurrentSession({ optional: true }) session: Session | null, @Param('id') id: string) {
    return session && this.sessions.findResource(session, id);
  }

  @Get('slow')
  async slow(@CurrentSession() session: Session) {
    this.arrived.resolve();
    await this.held.promise;
    return { id: session.id };
  }

  /** Uses the session after the headers: before the end of the response, or after it. */
  @Get('late/:when')
  async late(@Req() request: Request, @Res() response: object, @Param('when') when: string) {
    const raw = nodeResponseOf(response);
    raw.write('begun, ');
    if (when === 'ended') raw.end('ended');
    await this.resolver.require(request, response).catch((error: unknown) => this.codes.push(codeOf(error)));
    if (when === 'caught') raw.end('ended');
    else await this.resolver.require(request, response);
  }

  /** Sends the headers while the session is being opened. */
  @Get('overtaken')
  async overtaken(@Req() request: Request, @Res() response: object) {
    const opening = this.resolver.require(request, response);
    nodeResponseOf(response).end('overtaken');
    await opening.catch((error: unknown) => this.codes.push(codeOf(error)));
  }

  @Sse('feed')
  feed() {
    return this.messages;
  }

  @Sse('mine')
  @Wrapped()
  mine(@CurrentSession() session: Session): Observable<MessageEvent> {
    return concat(of({ data: { id: session.id } }), this.messages);
  }

  @UseGuards(UsingGuard)
  @Sse('guarded')
  guardedFeed() {
    return this.messages;
  }

  @Sse('late-feed')
  async lateFeed(@Req() request: Request, @Res() response: object): Promise<Observable<MessageEvent>> {
    await this.resolver.require(request, response).catch((error: unknown) => this.codes.push(codeOf(error)));
    return of({ data: { done: true } });
  }
}

function nodeResponseOf(response: object): import('node:http').ServerResponse {
  return ((response as { raw?: object }).raw ?? response) as import('node:http').ServerResponse;
}

function codeOf(error: unknown): string {
  return hasCode(error, 'SESSION_TOO_LATE') ? error.code : String(error);
}

/** The whole response to a GET, byte for byte but for its date; `from`: an address of the loopback network. */
export async function rawGet(url: string, path: string, from = '127.0.0.1'): Promise<string> {
  const { port } = new URL(url);
  const socket = connect({ host: '127.0.0.1', port: Number(port), localAddress: from });
  socket.write([`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', '', ''].join('\r\n'));
  let received = '';
  for await (const part of socket.setEncoding('latin1')) {
    received += String(part);
    // On Fastify, Nest leaves an event stream open that has ended.
    if (received.includes(LAST_EVENT)) break;
  }
  return received.replace(/^date: .*$/im, 'date: now');
}
