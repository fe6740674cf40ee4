import { Catch, type ArgumentsHost, type WsExceptionFilter } from '@nestjs/common';
import type { WebSocket } from 'ws';
import { SessionsError } from '../domain/errors.js';
import { answerTo } from '../http/error-status.js';

/**
 * Sends a `SessionsError` to the gateway's client in the format of Nest's own errors, with the error's code and without
 * the client's message: `@UseFilters(SessionsWsErrorFilter)`.
 */
@Catch(SessionsError)
export class SessionsWsErrorFilter implements WsExceptionFilter<SessionsError> {
  catch(error: SessionsError, context: ArgumentsHost): void {
    const { code, message } = answerTo(error).body;
    const client = context.switchToWs().getClient<WebSocket>();
    client.send(JSON.stringify({ event: 'exception', data: { status: 'error', code, message } }));
  }
}
