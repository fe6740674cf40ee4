import { finished, Readable } from 'node:stream';
import {
  Inject,
  Injectable,
  Logger,
  mixin,
  StreamableFile,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { mergeMap, type Observable } from 'rxjs';
import type { SessionsConfig } from '../../core/config/config.js';
import { noteFoundWith } from '../../core/handles/found-with.js';
import { describeError } from '../../core/watch/log.js';
import { RepeatedFailures } from '../../core/watch/repeated-failures.js';
import { SessionService } from '../../core/sessions/session.service.js';
import { outcomeOf, Transfer } from '../../core/watch/transfer.js';
import { FileSource } from '../../core/ways-out/file-source.js';
import { hasCode, SessionsError } from '../../domain/errors.js';
import type { ResourceRecord } from '../../domain/resource.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import { Clock } from '../../ports/clock.js';
import { isRangeOfThis, verdictOf } from './download-conditions.js';
import { dispositionOf, headersOf, safeMediaType, validatorsOf } from './download-headers.js';
import { planDownload, type DownloadOptions } from './download-options.js';
import { rangeOf } from './download-range.js';
import { resolutionOf } from '../session/resolution.js';
import { SessionResolver } from '../session/session-resolver.js';
import { onceReaderIdles } from '../stream/idle-reader.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';

/**
 * Sends the file of the resource that a handler returns (`@UseInterceptors(DownloadInterceptor)`), whole or the
 * requested range; 404 if the handler returns `null`, 412 or 304 by the request's preconditions. The resource is in use
 * until the last byte is sent or the client disconnects. A client that reads none of the pending bytes for
 * `downloadIdleSeconds` is disconnected. The handler decides whether the caller may have the file:
 * `SessionService.findResource` finds only the given session's resources.
 */
@Injectable()
export class DownloadInterceptor implements NestInterceptor<
  ResourceRecord | null,
  StreamableFile | undefined
> {
  private readonly logger = new Logger('SessionDownloads');
  /** @internal */
  protected readonly plan = planDownload();

  constructor(
    @Inject(SessionService) private readonly service: SessionService,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(SESSIONS_CONFIG) private readonly config: SessionsConfig,
    @Inject(RepeatedFailures) private readonly failures: RepeatedFailures,
    @Inject(SessionResolver) private readonly resolver: SessionResolver,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  /**
   * The interceptor with options of its own: `@UseInterceptors(DownloadInterceptor.with({ disposition: 'inline' }))`.
   * @throws SessionsError `INVALID_ARGUMENT`
   */
  static with(options: DownloadOptions): Type<NestInterceptor> {
    const plan = planDownload(options);
    class PlannedDownloadInterceptor extends DownloadInterceptor {
      protected override readonly plan = plan;
    }
    return mixin(PlannedDownloadInterceptor);
  }

  async intercept(
    context: ExecutionContext,
    next: CallHandler<ResourceRecord | null>,
  ): Promise<Observable<StreamableFile | undefined>> {
    // A download is a use of the session.
    await this.resolver.resolveFor(context);
    const http = context.switchToHttp();
    const request = http.getRequest<PlatformRequest>();
    const response = http.getResponse<PlatformResponse>();
    return next.handle().pipe(
      mergeMap(async (resource) => {
        if (!resource) throw new SessionsError('RESOURCE_GONE', 'There is no such resource in this session.');
        await this.service.requireHere(resource);
        const { method = 'GET', headers } = nodeRequest(request);
        const verdict = verdictOf(method, headers, validatorsOf(resource));
        if (verdict === 'failed')
          throw new SessionsError(
            'PRECONDITION_FAILED',
            'The file is not the version that the request requires.',
          );
        if (verdict === 'not-modified') return this.confirm(resource, response);
        return method === 'HEAD' ? this.describe(resource, response) : this.send(resource, request, response);
      }),
    );
  }

  /** The client has the file. */
  private confirm(resource: ResourceRecord, response: PlatformResponse): undefined {
    this.setHeaders(response, resource);
    this.host.httpAdapter.status(response, 304);
  }

  /** HEAD gets the headers alone: the file is not opened. */
  private describe(resource: ResourceRecord, response: PlatformResponse): StreamableFile {
    this.setHeaders(response, resource);
    return this.streamable(Readable.from([]), resource, resource.sizeBytes);
  }

  private async send(
    resource: ResourceRecord,
    request: PlatformRequest,
    response: PlatformResponse,
  ): Promise<StreamableFile> {
    const { sizeBytes } = resource;
    const node = nodeRequest(request);
    const mayBeRange = node.method === 'GET' && isRangeOfThis(node.headers, validatorsOf(resource));
    const range = mayBeRange ? rangeOf(node.headers.range, sizeBytes) : null;
    const http = this.host.httpAdapter;
    if (range === 'unsatisfiable') {
      http.setHeader(response, 'Content-Range', `bytes */${sizeBytes}`);
      throw new SessionsError('RANGE_NOT_SATISFIABLE', 'The file has no bytes in this range.');
    }
    // Also a copy of the record, or one found by the session's id: the transfer belongs to the client's token.
    const { session } = (await resolutionOf(node)) ?? {};
    if (session?.id === resource.sessionId) noteFoundWith(resource, session);
    const { stream } = await this.service.openResource(resource, range ?? undefined);
    this.watchReader(response, stream, resource);
    // `@fastify/compress` compresses despite `no-transform`, but not this.
    node.headers['x-no-compression'] = '1';
    this.setHeaders(response, resource);
    if (!range) return this.streamable(stream, resource, sizeBytes);
    http.status(response, 206);
    http.setHeader(response, 'Content-Range', `bytes ${range.start}-${range.end}/${sizeBytes}`);
    return this.streamable(stream, resource, range.end - range.start + 1);
  }

  private setHeaders(response: PlatformResponse, resource: ResourceRecord): void {
    const headers = headersOf(validatorsOf(resource), this.plan);
    for (const [name, value] of Object.entries(headers)) {
      this.host.httpAdapter.setHeader(response, name, value);
    }
  }

  private streamable(stream: Readable, resource: ResourceRecord, length: number): StreamableFile {
    return new StreamableFile(stream, {
      type: safeMediaType(resource),
      disposition: dispositionOf(resource, this.plan),
      length,
      // `watchReader` tells of failures.
    }).setErrorLogger(() => {});
  }

  private watchReader(
    response: PlatformResponse,
    stream: Readable,
    { id, sessionId }: Pick<ResourceRecord, 'id' | 'sessionId'>,
  ): void {
    const node = nodeResponse(response);
    const transfer = new Transfer({ clock: this.clock, events: this.service.events }, 'download', sessionId);
    // On Express, early releases of Nest 11 leave the file open when the client disconnects.
    finished(node, () => {
      if (stream instanceof FileSource) transfer.bytes = stream.takenBytes;
      const interruption = stream.errored ? outcomeOf(stream.errored) : 'aborted';
      transfer.end(id, node.writableFinished ? 'complete' : interruption);
      stream.destroy();
    });
    stream.once('error', (error) => {
      this.noteFailure(error);
      // Nest 11 would end a part of the file like the whole, and wait for a client that may read nothing.
      if (node.headersSent && !stream.readableEnded) node.destroy();
    });
    const { downloadIdleMs } = this.config;
    onceReaderIdles(node, downloadIdleMs, () => {
      this.logger.debug(
        `Download aborted: the client read nothing for ${downloadIdleMs / 1000} s (SESSION_DOWNLOAD_IDLE_SECONDS).`,
      );
      node.destroy();
    });
  }

  /** The end of a session, or a new token, aborts its downloads: that is no failure. */
  private noteFailure(error: Error): void {
    if (!hasCode(error, 'SESSION_GONE') && !hasCode(error, 'SESSION_STALE'))
      this.failures.note('Aborted downloads', `Download aborted: ${describeError(error)}`, 'warn');
  }
}
