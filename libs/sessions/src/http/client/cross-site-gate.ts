import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import type { SessionsConfig } from '../../core/config/config.js';
import { labelOf } from '../../core/config/options.js';
import type { SessionEventBus } from '../../core/watch/event-bus.js';
import { oneLine } from '../../core/watch/log.js';
import { MinuteLog } from '../../core/watch/minute-log.js';
import { SessionsError } from '../../domain/errors.js';
import type { Clock } from '../../ports/clock.js';
import { isListedOrigin, originOf, type OwnPages } from './own-pages.js';
import type { ProxyTrust } from './proxy-trust.js';

/** Methods that change nothing. Nest and browsers compare them in upper case. */
const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Longest origin in a line of the log. */
const MOST_LOGGED = 300;

/**
 * Refuses requests that a page of another site made a browser send, with the browser's session cookie. It decides as the
 * protection of Nest 12 (`enableCsrfProtection`), on Nest 11 too, but reads a trusted `X-Forwarded-Host`.
 */
export class CrossSiteGate {
  private readonly minuteLog: MinuteLog;

  constructor(
    private readonly config: Pick<SessionsConfig, 'allowedOrigins' | 'crossSite'>,
    private readonly pages: OwnPages,
    private readonly trust: ProxyTrust,
    private readonly events: SessionEventBus,
    clock: Clock,
  ) {
    this.minuteLog = new MinuteLog(clock, new Logger('Sessions'));
  }

  /** Whether a request has to be refused if it presents a session cookie. An event stream is refused whatever its method. */
  refuses(request: IncomingMessage, isEventStream: boolean): boolean {
    if (SAFE_METHODS.has(request.method) && !isEventStream) return false;
    return this.config.crossSite !== 'allow' && !this.isOwn(request);
  }

  refusal(request: IncomingMessage): SessionsError {
    this.events.emit('session.refused', { reason: 'cross_site' });
    this.minuteLog.warn('cross-site', () => {
      const origin = oneLine(originOf(request) ?? `an origin that it does not name`, MOST_LOGGED);
      const host = oneLine(this.trust.hostOf(request) ?? 'no host', MOST_LOGGED);
      return (
        `A ${oneLine(request.method ?? '', 20)} request of a page of ${origin} to ${host} was refused with 403, since it ` +
        `presents a session cookie. If the page is yours, list its origin in ${labelOf('allowedOrigins')}, or have your proxy ` +
        `pass on the host. @AllowCrossSite() admits all pages to a handler, ${labelOf('crossSite')} 'allow' to all handlers.`
      );
    });
    return new SessionsError(
      'CROSS_SITE_REFUSED',
      'This request comes from a page of another site: list its origin in the option allowedOrigins.',
    );
  }

  private isOwn(request: IncomingMessage): boolean {
    const site = request.headers['sec-fetch-site'];
    const origin = originOf(request);
    if (site) {
      if (site === 'same-origin' || site === 'none') return true;
      return origin !== null && isListedOrigin(origin, this.config.allowedOrigins);
    }
    return !origin || this.pages.isOne(origin, request);
  }
}
