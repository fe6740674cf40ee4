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
import { networkOf } from '../../core/config/client-address.js';
import type { SessionsConfig } from '../../core/config/config.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import type { FileBatch } from '../../core/resources/file-batch.js';
import { SessionService } from '../../core/sessions/session.service.js';
import { describeError } from '../../core/watch/log.js';
import { RepeatedFailures } from '../../core/watch/repeated-failures.js';
import { hasCode } from '../../domain/errors.js';
import { Clock } from '../../ports/clock.js';
import { addressOf } from '../client/client-reader.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { traitsOf } from '../session/handler-traits.js';
import { SessionResolver } from '../session/session-resolver.js';
import { bodyFormatOf, type ReadBody } from './body/body-format.js';
import { drainRequest } from './body/drain-request.js';
import { IncomingBody } from './body/incoming-body.js';
import { declareUpload, requireUsable, type UploadDeclaration } from './files/upload-declaration.js';
import { abortedUpload, missingFile } from './files/upload-error.js';
import { UploadFiles } from './files/upload-files.js';
import { announcedBytes, planUpload, type UploadPlan } from './files/upload-plan.js';
import { UploadProgress } from './files/upload-progress.js';
import { noteUploads } from './uploaded-resource.decorator.js';

/** A request whose text fields become its body. */
type UploadRequest = PlatformRequest & { body?: unknown };

/**
 * An interceptor that receives what `declaration` says. When the handler has returned, all files of the request take their places
 * in the session in one step, before the answer goes out; with `@Res()`, when the response is finished. If anything fails
 * before, the files are removed, and nothing was evicted for them.
 */
export function uploadInterceptorOf(declaration: UploadDeclaration): Type<NestInterceptor> {
  requireUsable(declaration);
  class SessionUploadInterceptor implements NestInterceptor {
    private readonly plan: UploadPlan;

    constructor(
      @Inject(SessionService) private readonly service: SessionService,
      @Inject(SessionResolver) private readonly resolver: SessionResolver,
      @Inject(RepeatedFailures) private readonly failures: RepeatedFailures,
      @Inject(Clock) private readonly clock: Clock,
      @Inject(SESSIONS_CONFIG) config: SessionsConfig,
    ) {
      this.plan = planUpload(declaration, config);
    }

    async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
      const http = context.switchToHttp();
      const request = http.getRequest<UploadRequest>();
      const response = http.getResponse<PlatformResponse>();
      try {
        const batch = await this.receive(request, response, context);
        const handled = batch.ownEnds.watch(() => next.handle());
        return traitsOf(context).answersItself
          ? this.placeWithResponse(handled, batch, nodeResponse(response))
          : placeWithAnswer(handled, batch, nodeRequest(request));
      } catch (error) {
        drainRequest(nodeRequest(request), nodeResponse(response));
        throw error;
      }
    }

    private async receive(
      request: UploadRequest,
      response: PlatformResponse,
      context: ExecutionContext,
    ): Promise<FileBatch> {
      const node = nodeRequest(request);
      const { plan, service } = this;
      const length = node.headers['content-length'];
      const readBody = await this.formatOf(request, context);
      const session = await this.resolver.require(request, response);
      const batch = await service.beginBatch(session, announcedBytes(plan, length));
      const totalBytes = length === undefined ? null : Number(length);
      const progress = new UploadProgress(service.events, this.clock, session.id, totalBytes);
      const files = new UploadFiles(service, session.id, batch, plan, progress);
      try {
        const values = await readBody(new IncomingBody(node, plan, files, progress), files);
        if (values) request.body = values;
        await files.complete();
        const [missing] = files.missing;
        if (missing) throw missingFile(missing);
        if (node.socket.destroyed) throw abortedUpload('The client disconnected during the upload.');
        progress.complete();
        noteUploads(node, batch);
        return batch;
      } catch (error) {
        await files.abort(error);
        throw error;
      }
    }

    /** What is declared too large is refused before its session is opened: it begins none. */
    private async formatOf(request: UploadRequest, context: ExecutionContext): Promise<ReadBody> {
      const { headers } = nodeRequest(request);
      try {
        return bodyFormatOf(headers, this.plan);
      } catch (error) {
        if (hasCode(error, 'RESOURCE_TOO_LARGE')) {
          this.service.events.emit('resource.refused', {
            sessionId: await this.liveSessionOf(context),
            reason: 'too_large',
            sizeBytes: announcedBytes(this.plan, headers['content-length']),
            limitBytes: this.plan.maxTotalBytes,
            network: networkOf(addressOf(request)),
          });
        }
        throw error;
      }
    }

    /** Whose timeline tells of a refusal. The answer does not depend on it: `null` also if the store is away. */
    private async liveSessionOf(context: ExecutionContext): Promise<string | null> {
      try {
        return (await this.resolver.lookFor(context)).session?.id ?? null;
      } catch {
        return null;
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
  const interceptor: Type<NestInterceptor> = mixin(SessionUploadInterceptor);
  declareUpload(interceptor, declaration);
  return interceptor;
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
