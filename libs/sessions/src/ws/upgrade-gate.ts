import type { IncomingMessage } from 'node:http';
import type { SessionsCore } from '../core/core.js';
import { hasCode, SessionsError } from '../domain/errors.js';
import type { SessionRecord } from '../domain/session.js';
import { errorFor } from '../http/session/resolution.js';
import type { SessionResolver } from '../http/session/session-resolver.js';
import type { Clock } from '../ports/clock.js';
import type { ProxyTrust } from './proxy-trust.js';
import { SessionSocket } from './session-socket.js';

/** Admits or refuses upgrades by the rules of HTTP requests, but opens no session. */
export class UpgradeGate {
  constructor(
    private readonly core: SessionsCore,
    private readonly resolver: SessionResolver,
    private readonly clock: Clock,
    private readonly trust: ProxyTrust,
  ) {}

  /**
   * The future connection, already tracked as a resource of its session; or one that closes at once with 1013, since the
   * session has as many streams as it may.
   * @throws SessionsError the reason for a refusal
   */
  async admit(request: IncomingMessage): Promise<SessionSocket> {
    const record = await this.liveSession(request);
    const connection = new SessionSocket(record, this.core.service, this.clock);
    if (!(await this.track(request, record, connection))) connection.turnAway();
    this.core.finder.touch(record.id, record.tokenHash);
    return connection;
  }

  /** `false` if the session has as many streams as it may. */
  private async track(
    request: IncomingMessage,
    record: SessionRecord,
    connection: SessionSocket,
  ): Promise<boolean> {
    try {
      const tracked = await this.core.service.trackStream(record, connection, { purpose: 'WebSocket' });
      const release = (): void => void tracked.release().catch(() => {});
      if (request.socket.closed) release();
      else request.socket.once('close', release);
      return true;
    } catch (error) {
      if (hasCode(error, 'STREAMS_FULL')) return false;
      throw error;
    }
  }

  private async liveSession(request: IncomingMessage): Promise<SessionRecord> {
    const client = this.resolver.clients.read(request, this.trust.addressOf(request));
    const presented = await this.resolver.presented.find(request, client, this.trust.isSecure(request));
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
