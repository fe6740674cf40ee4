import { Catch, type ArgumentsHost, type WsExceptionFilter } from '@nestjs/common';
import type { Socket } from 'socket.io';
import { SessionsError } from '../domain/errors.js';
import { answerTo } from '../http/error-status.js';

/**
 * Sends a `SessionsError` to the gateway's client in the format of Nest's own errors, with the error's code and without
 * the client's message: `@UseFilters(SessionsIoErrorFilter)`.
 */
@Catch(SessionsError)
export class SessionsIoErrorFilter implements WsExceptionFilter<SessionsError> {
  catch(error: SessionsError, context: ArgumentsHost): void {
    const { code, message } = answerTo(error).body;
    context.switchToWs().getClient<Socket>().emit('exception', { status: 'error', code, message });
  }
}
