import { Logger } from '@nestjs/common';
import type { SessionToken } from '../../core/handles/session-token.js';
import type { TokenCarrier } from '../../core/handles/token-carrier.js';
import type { PlatformResponse } from '../platform-message.js';
import type { SessionCookie } from './session-cookie.js';

const logger = new Logger('Sessions');

/**
 * Brings the tokens of one session to its client with one response.
 *
 * A class, not a literal: V8 may come to make objects of a literal among its old ones, where the response that they hold,
 * and all that hangs on it, survives until the next full collection. That cost a request 20 to 40 µs.
 */
export class ResponseTokens implements TokenCarrier {
  constructor(
    private readonly sessionId: string,
    private readonly cookie: SessionCookie,
    private readonly response: PlatformResponse,
    private readonly isSecure: boolean,
  ) {}

  carry(token: SessionToken): void {
    if (this.cookie.write(this.response, this.isSecure, token)) return;
    logger.warn(`Session ${this.sessionId}: its new token came too late for the response to carry it.`);
  }

  clear(): void {
    this.cookie.clear(this.response, this.isSecure);
  }
}
