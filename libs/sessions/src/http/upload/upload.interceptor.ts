import {
  Inject,
  mixin,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { catchError, type Observable } from 'rxjs';
import type { SessionsConfig } from '../../core/config/config.js';
import { SessionService } from '../../core/sessions/session.service.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { SessionResolver } from '../session/session-resolver.js';
import { abortedUpload, invalidUpload } from './upload-error.js';
import { UploadFiles } from './upload-files.js';
import { boundaryOf } from './multipart-boundary.js';
import { planUpload, type UploadOptions, type UploadPlan } from './upload-options.js';
import { UploadReader } from './upload-reader.js';
import { drainRequest } from './drain-request.js';
import { keepUploaded } from './uploaded-resource.decorator.js';

/** A request whose text fields become its body. */
type UploadRequest = PlatformRequest & { body?: unknown };

/**
 * Streams the files in `field` of a multipart body into the session of the request, within its limits:
 * `@UseInterceptors(UploadInterceptor('audio'))`. The handler gets them by `@UploadedResource()` or
 * `@UploadedResources()`, and the text fields as its body. If a later part, a pipe or the handler fails, none of the
 * request's files is kept.
 */
export function UploadInterceptor(field: string, options: UploadOptions = {}): Type<NestInterceptor> {
  class SessionUploadInterceptor implements NestInterceptor {
    private readonly plan: UploadPlan;

    constructor(
      @Inject(SessionService) private readonly service: SessionService,
      @Inject(SessionResolver) private readonly resolver: SessionResolver,
      @Inject(SESSIONS_CONFIG) config: SessionsConfig,
    ) {
      this.plan = planUpload(field, options, config);
    }

    async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
      const http = context.switchToHttp();
      const request = http.getRequest<UploadRequest>();
      const response = http.getResponse<PlatformResponse>();
      try {
        const files = await this.receive(request, response);
        return next.handle().pipe(
          catchError(async (error: unknown) => {
            await files.release();
            throw error;
          }),
        );
      } catch (error) {
        drainRequest(nodeRequest(request), nodeResponse(response));
        throw error;
      }
    }

    private async receive(request: UploadRequest, response: PlatformResponse): Promise<UploadFiles> {
      const node = nodeRequest(request);
      const boundary = boundaryOf(node.headers, this.plan);
      const session = await this.resolver.require(request, response);
      const files = new UploadFiles(this.service, session, this.plan);
      try {
        request.body = await new UploadReader(node, boundary, this.plan, files).read();
        const resources = await files.complete();
        if (this.plan.required && resources.length === 0)
          throw invalidUpload(`The body has no file in the field ${field}.`);
        if (node.socket.destroyed) throw abortedUpload('The client disconnected during the upload.');
        keepUploaded(node, resources);
        return files;
      } catch (error) {
        await files.abort();
        throw error;
      }
    }
  }
  return mixin(SessionUploadInterceptor);
}
