import {
  Catch,
  HttpStatus,
  Inject,
  Injectable,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { describeError } from '../../core/watch/log.js';
import { RepeatedFailures } from '../../core/watch/repeated-failures.js';
import { SessionsError, type ErrorCode } from '../../domain/errors.js';
import { answerTo } from '../error-status.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { RETRY_STREAM } from '../stream/event-stream.js';
import { locationOf } from '../download/redirection.js';

const TOLD_ELSEWHERE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['SESSIONS_FULL', 'STORE_INCOMPATIBLE']);

/** Answers a request that failed with a `SessionsError`: status, code and message, and nothing else. */
@Catch(SessionsError)
@Injectable()
export class SessionsErrorFilter implements ExceptionFilter<SessionsError> {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(RepeatedFailures) private readonly failures: RepeatedFailures,
  ) {}

  catch(error: SessionsError, context: ArgumentsHost): void {
    if (context.getType<string>() === 'graphql') throw this.graphqlErrorOf(error);
    if (context.getType() !== 'http') throw error;
    const response = context.switchToHttp().getResponse<PlatformResponse>();
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    const location = locationOf(error, request);
    const { status, retryAfterSeconds, body } = answerTo(error, location);
    this.note(error, status);
    const http = this.host.httpAdapter;
    const node = nodeResponse(response);
    // Not asked of the adapter: on Nest 11 that of Fastify knows nothing of headers that went out by the raw response.
    if (node.headersSent) {
      // One that has ended is whole: what failed came after it.
      if (!node.writableEnded) node.destroy();
      return;
    }
    if (error.code === 'SESSION_STALE' && wantsEventStream(request)) {
      http.setHeader(response, 'Content-Type', 'text/event-stream');
      http.setHeader(response, 'Cache-Control', 'no-store');
      http.reply(response, RETRY_STREAM, HttpStatus.OK);
      return;
    }
    if (retryAfterSeconds !== undefined) http.setHeader(response, 'Retry-After', String(retryAfterSeconds));
    if (location !== null) http.setHeader(response, 'Location', location);
    http.reply(response, body, status);
  }

  /** GraphQL answers an error with its message and `extensions`. */
  private graphqlErrorOf(error: SessionsError): Error & { readonly extensions: object } {
    const { status, body } = answerTo(error);
    this.note(error, status);
    const { message, ...extensions } = body;
    return Object.assign(new Error(message), { extensions });
  }

  private note(error: SessionsError, status: number): void {
    if (status < 500 || TOLD_ELSEWHERE.has(error.code)) return;
    this.failures.note(error.code, describeError(error));
  }
}

/** Whether an `EventSource` asks: it accepts event streams alone. */
function wantsEventStream(request: PlatformRequest): boolean {
  return nodeRequest(request).headers.accept === 'text/event-stream';
}
