import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Body, Controller, Get, Header, HttpCode, Inject, Post, Sse, UseInterceptors } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  CurrentSession,
  SessionService,
  SkipSession,
  UploadedResource,
  UploadInterceptor,
  type ResourceRecord,
  type Session,
} from 'nest-sessions';
import { SessionsWsAdapter } from 'nest-sessions/ws';
import { interval, map } from 'rxjs';
import type { WebSocket } from 'ws';
import { startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { BOUNDARY } from '../support/raw-request.js';

/** What a page with live connections and a login needs. */
@Controller()
export class LoginController {
  /** Tells how many of the job's bytes arrived, once a login has let it go on. */
  job: Promise<number> | null = null;
  page = '';
  readonly report = Promise.withResolvers<unknown>();

  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Get('page')
  @Header('Content-Type', 'text/html')
  show(@CurrentSession() session: Session) {
    return this.page.replace('SESSION', session.id);
  }

  @Get('hello')
  hello(@CurrentSession() { id, userId }: Session) {
    return { id, userId };
  }

  @Sse('events')
  events(@CurrentSession() _session: Session) {
    return interval(100).pipe(map((tick) => ({ data: { tick } })));
  }

  @Post('upload')
  @UseInterceptors(UploadInterceptor('file'))
  upload(@UploadedResource() file: ResourceRecord) {
    return { id: file.id, size: file.sizeBytes };
  }

  /** Begins a job by the session's id, logs in, and lets the job go on. */
  @Post('login')
  @HttpCode(200)
  async login(@CurrentSession() session: Session) {
    const sink = await this.sessions.createFile({ id: session.id }, { type: 'temp_file', purpose: 'job' });
    await this.sessions.login(session, 'ada');
    this.job = pipeline([Buffer.alloc(5000)], sink).then(() => sink.resource.sizeBytes);
    return { id: session.id };
  }

  @SkipSession()
  @Post('report')
  @HttpCode(204)
  tell(@Body() report: unknown) {
    this.report.resolve(report);
  }
}

@WebSocketGateway({ path: '/live' })
export class TickGateway {
  readonly handled: unknown[] = [];

  handleConnection(client: WebSocket): void {
    const timer = setInterval(() => client.send('tick'), 100);
    client.once('close', () => clearInterval(timer));
  }

  @SubscribeMessage('note')
  note(body: unknown) {
    this.handled.push(body);
  }
}

export interface LoginApp extends RunningApp {
  readonly controller: LoginController;
  readonly gateway: TickGateway;
  readonly service: SessionService;
}

/** Two of them on one storage path are two processes' worth of servers on one store. */
export async function startLoginApp(adapter: AdapterName, storagePath?: string): Promise<LoginApp> {
  const running = await startApp(adapter, {
    controllers: [LoginController],
    providers: [TickGateway],
    configure: (nest) => nest.useWebSocketAdapter(new SessionsWsAdapter(nest)),
    options: {
      store: 'sqlite',
      openRate: 0,
      bindAgent: 'off',
      cleanupIntervalSeconds: 86_400,
      ...(storagePath === undefined ? {} : { storagePath }),
    },
  });
  return {
    ...running,
    controller: running.app.get(LoginController),
    gateway: running.app.get(TickGateway),
    service: running.app.get(SessionService),
  };
}

/** An upload that goes on for as long as the test lets it. */
export class SlowUpload {
  private constructor(
    private readonly request: ClientRequest,
    readonly answered: Promise<{ status: number | undefined; body: string }>,
  ) {}

  static begin(url: string, cookie: string, path = '/upload', field = 'file'): SlowUpload {
    const request = httpRequest(new URL(path, url), {
      method: 'POST',
      headers: {
        cookie,
        'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
        'transfer-encoding': 'chunked',
      },
    });
    request.on('error', () => {});
    const answered = once(request, 'response').then(async ([response]: IncomingMessage[]) => ({
      status: response!.statusCode,
      body: await text(response!),
    }));
    answered.catch(() => {});
    request.write(
      `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${field}"; filename="a.bin"\r\ncontent-type: audio/wav\r\n\r\n`,
    );
    request.write(Buffer.alloc(100_000, 'a'));
    return new SlowUpload(request, answered);
  }

  write(bytes: number): void {
    this.request.write(Buffer.alloc(bytes, 'b'));
  }

  end(): void {
    this.request.end(`\r\n--${BOUNDARY}--\r\n`);
  }
}
