import type { IncomingMessage } from 'node:http';
import type { ConnectionGate } from '../http/connection/connection-gate.js';
import { hasCode } from '../domain/errors.js';
import { RefusedSocket, type UpgradedSocket } from './refused-socket.js';
import { SESSION_STALE, SessionSocket, TRY_AGAIN_LATER } from './session-socket.js';
import { SessionlessSocket } from './sessionless-socket.js';

/** Admits or refuses upgrades. */
export class UpgradeGate {
  constructor(private readonly gate: ConnectionGate) {}

  /**
   * The future connection; or one that closes at once: with 1013 if the session has as many streams as it may, with 4409 if its
   * token was replaced. At a path of the option `exclude` it belongs to no session.
   * @throws SessionsError the reason for a refusal
   */
  async admit(request: IncomingMessage): Promise<UpgradedSocket> {
    if (this.gate.skips(request)) {
      this.gate.requireOwnPage(request, request);
      return new SessionlessSocket();
    }
    try {
      return await this.gate.admit(
        request,
        request,
        (...parts) => new SessionSocket(request.socket, ...parts),
        (listener) => {
          if (request.socket.closed) listener();
          else request.socket.once('close', listener);
        },
      );
    } catch (error) {
      if (hasCode(error, 'STREAMS_FULL')) return new RefusedSocket(TRY_AGAIN_LATER, 'too many streams');
      if (hasCode(error, 'SESSION_STALE')) return new RefusedSocket(SESSION_STALE, 'token replaced');
      throw error;
    }
  }
}
