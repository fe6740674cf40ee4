import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Inject,
  mixin,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { catchError, concatMap, finalize, toArray, type Observable } from 'rxjs';
import type { FileBatch } from '../../core/resources/file-batch.js';
import { networkOf } from '../../core/config/client-address.js';
import { describeError } from '../../core/watch/log.js';
import { RepeatedFailures } from '../../core/watch/repeated-failures.js';
import type { SessionsConfig } from '../../core/config/config.js';
import { SessionService } from '../../core/sessions/session.service.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { traitsOf } from '../session/handler-traits.js';
import { addressOf } from '../client/client-reader.js';
import { hasCode } from '../../domain/errors.js';
import { SessionResolver } from '../session/session-resolver.js';
import { abortedUpload, invalidUpload } from './upload-error.js';
import { UploadFiles } from './upload-files.js';
import { boundaryOf } from './multipart-boundary.js';
import { announcedBytes, planUpload, type UploadOptions, type UploadPlan } from './upload-options.js';
import { UploadReader } from './upload-reader.js';
import { drainRequest } from './drain-request.js';
import { noteUploads } from './uploaded-resource.decorator.js';

/** A request whose text fields become its body. */
type UploadRequest = PlatformRequest & { body?: unknown };

/**
 * Streams the files in `field` of a multipart body into the session of the request, within its limits:
 * `@UseInterceptors(UploadInterceptor('audio'))`. The handler gets them by `@UploadedResource()` or
 * `@UploadedResources()`, and the text fields as its body. When the handler has returned, all files of the request take
 * their places in the session in one step, before the answer goes out; with `@Res()`, when the response is finished. If
 * anything fails before, the files are removed, and nothing was evicted for them.
 */
export function UploadInterceptor(field: string, options: UploadOptions = {}): Type<NestInterceptor> {
  class SessionUploadInterceptor implements NestInterceptor {
    private readonly plan: UploadPlan;

    constructor(
      @Inject(SessionService) private readonly service: SessionService,
      @Inject(SessionResolver) private readonly resolver: SessionResolver,
      @Inject(RepeatedFailures) private readonly failures: RepeatedFailures,
      @Inject(SESSIONS_CONFIG) config: SessionsConfig,
    ) {
      this.plan = planUpload(field, options, config);
    }

    async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
      const http = context.switchToHttp();
      const request = http.getRequest<UploadRequest>();
      const response = http.getResponse<PlatformResponse>();
      try {
        const batch = await this.receive(request, response);
        const handled = batch.ownEnds.watch(() => next.handle());
        return traitsOf(context).answersItself
          ? this.placeWithResponse(handled, batch, nodeResponse(response))
          : placeWithAnswer(handled, batch, nodeRequest(request));
      } catch (error) {
        drainRequest(nodeRequest(request), nodeResponse(response));
        throw error;
      }
    }

    private async receive(request: UploadRequest, response: PlatformResponse): Promise<FileBatch> {
      const node = nodeRequest(request);
      const boundary = this.boundaryOf(request);
      const session = await this.resolver.require(request, response);
      const batch = await this.service.beginBatch(session, announcedBytes(node.headers['content-length']));
      const files = new UploadFiles(this.service, session.id, batch, this.plan);
      try {
        request.body = await new UploadReader(node, boundary, this.plan, files).read();
        await files.complete();
        if (this.plan.required && batch.files.length === 0)
          throw invalidUpload(`The body has no file in the field ${field}.`);
        if (node.socket.destroyed) throw abortedUpload('The client disconnected during the upload.');
        noteUploads(node, batch);
        return batch;
      } catch (error) {
        await files.abort();
        throw error;
      }
    }

    /** What is declared too large is refused before its session is looked up: it begins none. */
    private boundaryOf(request: UploadRequest): string {
      const { headers } = nodeRequest(request);
      try {
        return boundaryOf(headers, this.plan);
      } catch (error) {
        if (hasCode(error, 'RESOURCE_TOO_LARGE')) {
          this.service.events.emit('resource.refused', {
            sessionId: null,
            reason: 'too_large',
            sizeBytes: announcedBytes(headers['content-length']),
            limitBytes: this.plan.maxTotalBytes,
            network: networkOf(addressOf(request)),
          });
        }
        throw error;
      }
    }

    /** The handler answers by itself: the files take their places when it has answered, unless with an error. */
    private placeWithResponse(
      handled: Observable<unknown>,
      batch: FileBatch,
      response: ServerResponse,
    ): Observable<unknown> {
      const settle = async (): Promise<void> => {
        try {
          if (response.writableFinished && response.statusCode < 400) await batch.place();
        } catch (error) {
          const line = `The files of an answered upload could not be kept: ${describeError(error)}`;
          this.failures.note('Answered uploads that could not be kept', line, 'warn');
        }
        await batch.abandon();
      };
      response.once('close', () => {
        batch.ownEnds.stop();
        void settle();
      });
      return handled;
    }
  }
  return mixin(SessionUploadInterceptor);
}

/** The files take their places when the handler has returned, before its answer goes out; else they are removed. */
function placeWithAnswer(
  handled: Observable<unknown>,
  batch: FileBatch,
  request: IncomingMessage,
): Observable<unknown> {
  let isPlacing = false;
  return handled.pipe(
    toArray(),
    concatMap(async (answers) => {
      // Nest 12 gives up the handler of a client that is gone, Nest 11 does not.
      if (request.socket.destroyed) throw abortedUpload('The client disconnected before its answer.');
      isPlacing = true;
      await batch.place();
      return answers.at(-1);
    }),
    catchError(async (error: unknown) => {
      await batch.abandon();
      throw error;
    }),
    // Whoever no longer waits for the answer, e.g. a timeout, has given up the files.
    finalize(() => {
      batch.ownEnds.stop();
      if (!isPlacing) void batch.abandon();
    }),
  );
}
