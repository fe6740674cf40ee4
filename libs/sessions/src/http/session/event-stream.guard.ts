import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { SessionsConfig } from '../../core/config/config.js';
import { SessionService } from '../../core/sessions/session.service.js';
import type { Session } from '../../core/handles/session.js';
import { hasCode } from '../../domain/errors.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import { EventStream, EventStreamOver, noteEventStream } from '../stream/event-stream.js';
import { traitsOf } from './handler-traits.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';
import { errorFor, UnusedSession } from './resolution.js';
import { SessionResolver } from './session-resolver.js';

/**
 * Admits and tracks event streams. It is a guard because Nest sends an event stream's headers right after it starts the
 * interceptors: an interceptor that awaits the store could neither refuse the request nor set the cookie.
 */
@Injectable()
export class EventStreamGuard implements CanActivate {
  constructor(
    @Inject(SessionResolver) private readonly resolver: SessionResolver,
    @Inject(SessionService) private readonly service: SessionService,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(SESSIONS_CONFIG) private readonly config: SessionsConfig,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return context.getType() !== 'http' || !traitsOf(context).isEventStream || this.admit(context);
  }

  private async admit(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<PlatformRequest>();
    const response = http.getResponse<PlatformResponse>();
    const traits = traitsOf(context);
    // An earlier guard may have asked for the session without knowing that this is a stream.
    this.resolver.refuseCrossSite(request, traits);
    const { resolver } = this;
    const resolution = await (traits.takesSession
      ? resolver.resolveFor(context)
      : resolver.admitFor(context));
    if (!resolution.session) {
      if (resolution.reason === 'skipped') return true;
      // A guard after this one may still use the session: the stream is its resource then.
      if (resolution instanceof UnusedSession) {
        resolution.whenOpened(({ session }) => this.track(session, request, response));
        return true;
      }
      throw resolution.reason === 'ended' ? this.refusal(response) : errorFor(resolution);
    }
    if (resolution.presentedEnded) throw this.refusal(response);
    await this.track(resolution.session, request, response);
    return true;
  }

  private async track(session: Session, request: PlatformRequest, response: PlatformResponse): Promise<void> {
    session.readDataFrom(this.resolver.values.ofConnections);
    const stream = new EventStream(nodeResponse(response), this.config.downloadIdleMs);
    try {
      const tracked = await this.service.trackStream(session, stream, { purpose: 'server-sent events' });
      stream.onceOver(() => void tracked.release().catch(() => {}));
      noteEventStream(nodeRequest(request), stream);
    } catch (error) {
      throw hasCode(error, 'SESSION_GONE') ? this.refusal(response) : error;
    }
  }

  private refusal(response: PlatformResponse): EventStreamOver {
    this.host.httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
    return new EventStreamOver();
  }
}
