import { Logger } from '@nestjs/common';
import type { Session } from '../../core/handles/session.js';
import type { SessionToken } from '../../core/tokens/session-token.js';
import type { TokenUse } from '../../core/tokens/token-codec.js';
import type { TokenCarrier } from '../../core/handles/token-carrier.js';
import { nodeResponse, type PlatformResponse } from '../platform-message.js';
import { useOf, type ClientTokens, type TokenSlot } from './client-tokens.js';

const logger = new Logger('Sessions');

/**
 * Delivers the tokens of one session to its client with one response.
 *
 * A class, not a literal: V8 may allocate objects of a literal in its old space, where the response and all that it
 * references survive until the next full collection. That cost 20 to 40 µs per request.
 */
export class ResponseTokens implements TokenCarrier {
  constructor(
    private readonly session: Pick<Session, 'id'>,
    private readonly tokens: ClientTokens,
    private readonly response: PlatformResponse,
    private readonly isSecure: boolean,
    private readonly slot: TokenSlot,
  ) {}

  get use(): TokenUse {
    return useOf(this.slot);
  }

  carry(token: SessionToken, keptSeconds: number | null): void {
    if (this.tokens.write(this.response, this.isSecure, this.slot, token, keptSeconds)) return;
    logger.warn(
      `Session ${this.session.id}: the client misses its new token. Call login() and regenerate() before the headers are sent.`,
    );
  }

  sent(): Promise<void> {
    const response = nodeResponse(this.response);
    return response.closed ? Promise.resolve() : new Promise((resolve) => response.once('close', resolve));
  }

  clear(): void {
    this.tokens.clear(this.response, this.isSecure, this.slot);
  }
}
