import type { IncomingMessage } from 'node:http';
import { Logger, type INestApplication } from '@nestjs/common';
import { SessionsCore } from '../../core/core.js';
import type { SessionService } from '../../core/sessions/session.service.js';
import { describeError, oneLine } from '../../core/watch/log.js';
import { MinuteLog } from '../../core/watch/minute-log.js';
import { SessionsError } from '../../domain/errors.js';
import type { SessionRecord } from '../../domain/session.js';
import { Clock } from '../../ports/clock.js';
import { originOf } from '../client/own-pages.js';
import type { PlatformRequest } from '../platform-message.js';
import { errorFor } from '../session/resolution.js';
import { SessionResolver } from '../session/session-resolver.js';
import type { SessionConnection } from './session-connection.js';

/** How a gate makes a connection of its kind. */
type Make<Connection> = (record: SessionRecord, service: SessionService, clock: Clock) => Connection;

/** Calls the listener when the connection is closed: at once if it is closed already. */
type OnceClosed = (listener: () => void) => void;

/** Where a client presents its token: the headers of its request, or those of what it sends after it. */
type Presenting = Pick<PlatformRequest, 'headers'>;

/** Admits or refuses two-way connections by the rules of HTTP requests, but opens no session. */
export class ConnectionGate {
  private readonly core: SessionsCore;
  private readonly resolver: SessionResolver;
  private readonly clock: Clock;
  private readonly minuteLog: MinuteLog;

  /** `kind`: what a resource and a line of the log call the connection, e.g. `WebSocket`. */
  constructor(
    app: INestApplication,
    private readonly kind: string,
    log: Logger,
  ) {
    this.core = app.get(SessionsCore, { strict: false });
    this.resolver = app.get(SessionResolver, { strict: false });
    this.clock = app.get(Clock, { strict: false });
    this.minuteLog = new MinuteLog(this.clock, log);
  }

  /**
   * The future connection, already tracked as a resource of its session, and counted as a request.
   * @throws SessionsError the reason for a refusal
   */
  async admit<Connection extends SessionConnection>(
    request: IncomingMessage,
    presenting: Presenting,
    make: Make<Connection>,
    onceClosed: OnceClosed,
  ): Promise<Connection> {
    const record = await this.find(request, presenting);
    const { service, values, finder } = this.core;
    const connection = make(record, service, this.clock);
    connection.session.readDataFrom(values.ofConnections);
    const tracked = await service.trackStream(connection.session, connection, { purpose: this.kind });
    onceClosed(() => void tracked.release().catch(() => {}));
    finder.touch(record.id, record.tokenHash);
    return connection;
  }

  /**
   * The live session that a client presents.
   * @throws SessionsError `CROSS_SITE_REFUSED`, `SESSION_REQUIRED`, `SESSION_BINDING_MISMATCH`, `SESSION_STALE`, `STORE_UNAVAILABLE`
   */
  async find(request: IncomingMessage, presenting: Presenting): Promise<SessionRecord> {
    this.requireOwnPage(request, presenting);
    const { clients, presented: lookup, trust } = this.resolver;
    const client = clients.read(request, trust.addressOf(request));
    if (!client) throw errorFor({ session: null, reason: 'gone' });
    const presented = await lookup.find(presenting, client, trust.isSecure(request), false);
    switch (presented.kind) {
      case 'live':
        return presented.record;
      case 'mismatch':
      case 'replaced':
        throw errorFor({ session: null, reason: presented.kind });
      default:
        throw new SessionsError(
          'SESSION_REQUIRED',
          `A ${this.kind} requires a live session: open one with an HTTP request.`,
        );
    }
  }

  /** Whether the path is excluded from sessions. */
  skips(request: IncomingMessage): boolean {
    return this.resolver.skips(request);
  }

  /** Notes a refusal that is a fault of the server. */
  noteFailure(error: unknown): void {
    this.core.failures.note(`Failed ${this.kind} handshakes`, describeError(error));
  }

  /**
   * Browsers name the origin of every WebSocket, and of long polling the origin or the site: a client that names neither is no
   * browser, and no foreign page can make it present its cookies. A browser presents no bearer token by itself: the page knows it.
   * @throws SessionsError `CROSS_SITE_REFUSED`
   */
  requireOwnPage(request: IncomingMessage, presenting: Presenting): void {
    const origin = originOf(request);
    if (origin === null ? namesNoOtherSite(request) : this.resolver.pages.isOne(origin, request)) return;
    if (this.resolver.tokens.bearerOf(presenting) !== null) return;
    this.minuteLog.warn('origin', () => {
      const host = oneLine(this.resolver.trust.hostOf(request) ?? 'none', 300);
      return (
        `A ${this.kind} of a page of ${oneLine(origin ?? 'another site', 300)} was refused: the request's host is ${host}. If the page ` +
        'is yours, have your proxy pass on the host (nginx: proxy_set_header Host $http_host) or send X-Forwarded-Host ' +
        'and trust it; list origins of other sites in allowedOrigins (SESSION_ALLOWED_ORIGINS).'
      );
    });
    throw new SessionsError(
      'CROSS_SITE_REFUSED',
      'This connection comes from a page of another site: list its origin in the option allowedOrigins.',
    );
  }
}

function namesNoOtherSite({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin' || site === 'none';
}
