import { Catch, type ArgumentsHost, type WsExceptionFilter } from '@nestjs/common';
import type { WebSocket } from 'ws';
import { SessionsError } from '../domain/errors.js';
import { answerTo } from '../http/error-status.js';

/**
 * Tells a gateway's client which error of this package its message met, as Nest tells of others, with the code beside
 * it and without repeating what the client sent: `@UseFilters(SessionsWsErrorFilter)`.
 */
@Catch(SessionsError)
export class SessionsWsErrorFilter implements WsExceptionFilter<SessionsError> {
  catch(error: SessionsError, context: ArgumentsHost): void {
    const { code, message } = answerTo(error).body;
    const client = context.switchToWs().getClient<WebSocket>();
    client.send(JSON.stringify({ event: 'exception', data: { status: 'error', code, message } }));
  }
}
