import { AsyncLocalStorage } from 'node:async_hooks';
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Res,
  UnsupportedMediaTypeException,
  UseInterceptors,
  ValidationPipe,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import {
  CurrentSession,
  DownloadInterceptor,
  SessionService,
  UploadedResource,
  UploadedResources,
  UploadInterceptor,
  type ResourceRecord,
  type Session,
  type SessionDetails,
  type SessionsModuleOptions,
  type UploadedFiles,
} from 'nest-sessions';
import { IsString } from 'class-validator';
import { Browser } from './browser.js';
import { filesOnDisk } from './files-on-disk.js';
import { startApp, type AdapterName, type AppParts, type RunningApp } from './http-app.js';

const elsewhere = AsyncLocalStorage.snapshot();

class Note {
  @IsString() note!: string;
}

class RefusingPipe implements PipeTransform {
  transform(): never {
    throw new BadRequestException('The pipe refuses.');
  }
}

@Controller()
class FileController {
  constructor(@Inject(SessionService) private readonly service: SessionService) {}

  @Post('begin')
  begin(@CurrentSession() session: Session): { session_id: string } {
    return { session_id: session.id };
  }

  @Post('upload')
  @UseInterceptors(UploadInterceptor('file'))
  upload(@UploadedResource() resource: ResourceRecord, @Body() body: unknown): object {
    return { resource, body, hasPrototype: Object.getPrototypeOf(body) !== null };
  }

  @Post('many')
  @UseInterceptors(UploadInterceptor('file', { maxFiles: 3, purpose: 'a batch' }))
  many(@UploadedResources() resources: ResourceRecord[]): object {
    return { resources };
  }

  @Post('audio')
  @UseInterceptors(UploadInterceptor('file', { mediaTypes: ['audio/', 'text/csv'] }))
  audio(@UploadedResource() resource: ResourceRecord): object {
    return { resource };
  }

  @Post('small')
  @UseInterceptors(UploadInterceptor('file', { maxFileBytes: 1000 }))
  small(@UploadedResource() resource: ResourceRecord): object {
    return { resource };
  }

  @Post('optional')
  @UseInterceptors(UploadInterceptor('file', { required: false }))
  optional(@UploadedResource() resource?: ResourceRecord): object {
    return { resource: resource ?? null };
  }

  @Post('throws')
  @UseInterceptors(UploadInterceptor('file', { maxFiles: 3 }))
  throws(): never {
    throw new BadRequestException('The handler fails.');
  }

  @Post('pipe')
  @UseInterceptors(UploadInterceptor('file'))
  pipe(@Body(RefusingPipe) _body: unknown): object {
    return {};
  }

  @Post('login')
  async login(@CurrentSession() session: Session): Promise<object> {
    await this.service.login(session, 'ada');
    return {};
  }

  @Post('dto')
  @UseInterceptors(UploadInterceptor('file'))
  dto(@Body(new ValidationPipe({ expectedType: Note })) _body: Note): object {
    return {};
  }

  /** Reads, finds and lists its file before it refuses it. */
  @Post('no-audio')
  @UseInterceptors(UploadInterceptor('file'))
  async noAudio(
    @CurrentSession() session: Session,
    @UploadedResources() uploads: UploadedFiles,
  ): Promise<never> {
    for (const { id } of uploads) {
      const found = await this.service.findResource(session, id);
      const { stream } = await this.service.openResource({ id: found?.id ?? '' });
      stream.destroy();
    }
    throw new UnsupportedMediaTypeException();
  }

  @Post('released')
  @UseInterceptors(UploadInterceptor('file', { maxFiles: 3 }))
  async released(@UploadedResources() uploads: UploadedFiles): Promise<object> {
    const [first] = uploads;
    if (first) await this.service.release(first);
    return { resources: uploads };
  }

  @Post('kept')
  @UseInterceptors(UploadInterceptor('file', { maxFiles: 3 }))
  async kept(@UploadedResources() uploads: UploadedFiles): Promise<never> {
    await uploads.keep();
    throw new BadRequestException('The handler fails after it has kept the files.');
  }

  @Post('logout')
  @UseInterceptors(UploadInterceptor('file'))
  async logout(@CurrentSession() session: Session): Promise<object> {
    await this.service.end(session);
    return { bye: true };
  }

  /** Its session is ended meanwhile, by another request. */
  @Post('ended')
  @UseInterceptors(UploadInterceptor('file'))
  async ended(@CurrentSession() { id }: Session): Promise<object> {
    await elsewhere(() => this.service.end({ id }));
    return {};
  }

  @Post('logout-by-id')
  @UseInterceptors(UploadInterceptor('file'))
  async logoutById(@CurrentSession() { id }: Session): Promise<object> {
    await this.service.end({ id });
    return { bye: true };
  }

  @Post('logout-by-itself')
  @UseInterceptors(UploadInterceptor('file'))
  async logoutByItself(
    @CurrentSession() { id }: Session,
    @Res() response: { status(code: number): { send(body: string): unknown } },
  ): Promise<void> {
    await this.service.end({ id });
    response.status(201).send('bye');
  }

  @Post('by-itself')
  @UseInterceptors(UploadInterceptor('file'))
  byItself(
    @Res() response: { status(code: number): { send(body: string): unknown } },
    @Body() body: unknown,
  ): void {
    const status = (body as { status?: string }).status ?? '201';
    setTimeout(() => response.status(Number(status)).send('by itself'), 20);
  }

  @Get('shown/:id')
  @UseInterceptors(
    DownloadInterceptor.with({ disposition: 'inline', crossOriginResourcePolicy: 'cross-origin' }),
  )
  shown(@CurrentSession() session: Session, @Param('id') id: string): Promise<ResourceRecord | null> {
    return this.service.findResource(session, id);
  }

  @Post('files/:id')
  @UseInterceptors(DownloadInterceptor)
  posted(@CurrentSession() session: Session, @Param('id') id: string): Promise<ResourceRecord | null> {
    return this.service.findResource(session, id);
  }

  @Get('files/:id')
  @HttpCode(200)
  @UseInterceptors(DownloadInterceptor)
  download(@CurrentSession() session: Session, @Param('id') id: string): Promise<ResourceRecord | null> {
    return this.service.findResource(session, id);
  }
}

/** An app whose sessions upload and download files, with one browser that has a session. */
export class FileApp {
  private constructor(
    private readonly running: RunningApp,
    readonly service: SessionService,
    readonly browser: Browser,
    readonly sessionId: string,
  ) {}

  static async start(
    adapter: AdapterName,
    options: SessionsModuleOptions = {},
    configure?: AppParts['configure'],
    controllers: readonly Type[] = [],
  ): Promise<FileApp> {
    const running = await startApp(adapter, {
      options,
      controllers: [FileController, ...controllers],
      ...(configure && { configure }),
    });
    return FileApp.visiting(running);
  }

  private static async visiting(running: RunningApp): Promise<FileApp> {
    const browser = new Browser(running.url);
    const begun = await browser.fetch('/begin', { method: 'POST' });
    const { session_id } = (await begun.json()) as { session_id: string };
    return new FileApp(running, running.app.get(SessionService), browser, session_id);
  }

  /** The same app, with another browser that has another session. */
  anotherVisitor(): Promise<FileApp> {
    return FileApp.visiting(this.running);
  }

  get url(): string {
    return this.running.url;
  }

  /** A provider of the app. */
  get<T>(token: Type<T> | symbol | string): T {
    return this.running.app.get<T>(token);
  }

  get storagePath(): string {
    return this.running.storagePath;
  }

  get port(): number {
    return Number(new URL(this.running.url).port);
  }

  /** The session as the store knows it, uploads under way included. */
  async session(): Promise<SessionDetails> {
    const details = await this.service.describe({ id: this.sessionId });
    if (!details) throw new Error('The session is over.');
    return details;
  }

  files(): Promise<string[]> {
    return filesOnDisk(this.running.storagePath);
  }

  /** Whether nothing is left of any upload: no record, no reservation, no file. */
  async isEmpty(): Promise<boolean> {
    const { resourceCount, incomingCount, incomingBytes } = await this.session();
    const counted = resourceCount + incomingCount + incomingBytes;
    return counted === 0 && (await this.files()).length === 0;
  }

  upload(path: string, ...files: File[]): Promise<Response> {
    const form = new FormData();
    for (const file of files) form.append('file', file);
    return this.browser.fetch(path, { method: 'POST', body: form });
  }

  /** Uploads one file that must be taken; its resource. */
  async add(bytes: Uint8Array<ArrayBuffer>, name = 'a.bin', type = 'audio/wav'): Promise<ResourceRecord> {
    const response = await this.upload('/upload', new File([bytes], name, { type }));
    if (response.status !== 201) throw new Error(`not taken: ${response.status}`);
    return ((await response.json()) as { resource: ResourceRecord }).resource;
  }

  close(): Promise<void> {
    return this.running.close();
  }
}
