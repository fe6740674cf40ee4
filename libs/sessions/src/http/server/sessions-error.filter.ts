import { Catch, Inject, Injectable, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { describeError } from '../../core/watch/log.js';
import { SessionsError } from '../../domain/errors.js';
import { answerTo } from '../error-status.js';
import { nodeResponse, type PlatformRequest, type PlatformResponse } from '../platform-message.js';
import { locationOf } from '../download/redirection.js';

/** Answers a request that failed with a `SessionsError`: status, code and message, and nothing else. */
@Catch(SessionsError)
@Injectable()
export class SessionsErrorFilter implements ExceptionFilter<SessionsError> {
  private readonly logger = new Logger('Sessions');

  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  catch(error: SessionsError, context: ArgumentsHost): void {
    if (context.getType() !== 'http') throw error;
    const response = context.switchToHttp().getResponse<PlatformResponse>();
    const location = locationOf(error, context.switchToHttp().getRequest<PlatformRequest>());
    const { status, retryAfterSeconds, body } = answerTo(error, location);
    if (status >= 500 && error.code !== 'SESSIONS_FULL') this.logger.error(describeError(error));
    const http = this.host.httpAdapter;
    if (http.isHeadersSent(response)) {
      nodeResponse(response).destroy();
      return;
    }
    if (retryAfterSeconds !== undefined) http.setHeader(response, 'Retry-After', String(retryAfterSeconds));
    if (location !== null) http.setHeader(response, 'Location', location);
    http.reply(response, body, status);
  }
}
