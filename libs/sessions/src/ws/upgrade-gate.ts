import type { IncomingMessage } from 'node:http';
import type { SessionsCore } from '../core/core.js';
import { hasCode, SessionsError } from '../domain/errors.js';
import type { SessionRecord } from '../domain/session.js';
import { errorFor } from '../http/session/resolution.js';
import type { SessionResolver } from '../http/session/session-resolver.js';
import type { Clock } from '../ports/clock.js';
import { RefusedSocket, type UpgradedSocket } from './refused-socket.js';
import { SESSION_STALE, SessionSocket, TRY_AGAIN_LATER } from './session-socket.js';
import { SessionlessSocket } from './sessionless-socket.js';

/** Admits or refuses upgrades by the rules of HTTP requests, but opens no session. */
export class UpgradeGate {
  constructor(
    private readonly core: SessionsCore,
    private readonly resolver: SessionResolver,
    private readonly clock: Clock,
  ) {}

  /**
   * The future connection, already tracked as a resource of its session; or one that closes at once: with 1013 if the session
   * has as many streams as it may, with 4409 if its token was replaced. At a path of the option `exclude` it belongs to none.
   * @throws SessionsError the reason for a refusal
   */
  async admit(request: IncomingMessage): Promise<UpgradedSocket> {
    if (this.resolver.skips(request)) return new SessionlessSocket();
    try {
      const record = await this.liveSession(request);
      const connection = new SessionSocket(record, this.core.service, this.clock);
      connection.session.readDataFrom(this.core.values.ofConnections);
      await this.track(request, connection);
      this.core.finder.touch(record.id, record.tokenHash);
      return connection;
    } catch (error) {
      if (hasCode(error, 'STREAMS_FULL')) return new RefusedSocket(TRY_AGAIN_LATER, 'too many streams');
      if (hasCode(error, 'SESSION_STALE')) return new RefusedSocket(SESSION_STALE, 'token replaced');
      throw error;
    }
  }

  private async track(request: IncomingMessage, connection: SessionSocket): Promise<void> {
    const tracked = await this.core.service.trackStream(connection.session, connection, {
      purpose: 'WebSocket',
    });
    const release = (): void => void tracked.release().catch(() => {});
    if (request.socket.closed) release();
    else request.socket.once('close', release);
  }

  private async liveSession(request: IncomingMessage): Promise<SessionRecord> {
    const { clients, presented: lookup, trust } = this.resolver;
    const client = clients.read(request, trust.addressOf(request));
    if (!client) throw errorFor({ session: null, reason: 'gone' });
    const presented = await lookup.find(request, client, trust.isSecure(request), false);
    switch (presented.kind) {
      case 'live':
        return presented.record;
      case 'mismatch':
      case 'replaced':
        throw errorFor({ session: null, reason: presented.kind });
      default:
        throw new SessionsError(
          'SESSION_REQUIRED',
          'A WebSocket requires a live session: open one with an HTTP request.',
        );
    }
  }
}
