import type { IncomingMessage } from 'node:http';
import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { SessionsCore } from '../../core/core.js';
import { eventStreamOf } from '../stream/event-stream.js';
import { isOfGraphqlRequest, requestOf, responseOf } from '../exchange.js';
import { nodeRequest, nodeResponse } from '../platform-message.js';
import { refuseEmptyJson } from '../empty-json.js';
import { traitsOf } from './handler-traits.js';
import { pathKeeperOf } from './kept-path.js';
import { RequestJournal } from './request-journal.js';
import { errorFor, UnusedSession, type Resolution } from './resolution.js';
import { SessionResolver } from './session-resolver.js';

/**
 * Looks up the session of every HTTP request, of GraphQL too, and opens one unless that is left to its first use. Counts the request,
 * which is activity until its response has ended; ends event streams with their sessions. Handlers marked with `@SkipSession()` and
 * excluded paths are exempt.
 */
@Injectable()
export class SessionInterceptor implements NestInterceptor {
  /** GraphQL requests that count. */
  private readonly counted = new WeakSet<IncomingMessage>();

  private readonly journal: RequestJournal | null;

  constructor(
    @Inject(SessionResolver) private readonly resolver: SessionResolver,
    @Inject(SessionsCore) { config, entries, clock }: SessionsCore,
  ) {
    this.journal =
      config.journal === 'requests'
        ? new RequestJournal(entries, clock, pathKeeperOf(config.journalPaths))
        : null;
  }

  /** Synchronous if possible: a promise here costs a request more than all other work for its session. */
  intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    if (context.getType() !== 'http') {
      return isOfGraphqlRequest(context) ? this.resolveOfGraphql(context, next) : next.handle();
    }
    if (traitsOf(context).takesBody) refuseEmptyJson(requestOf(context));
    const resolution = this.resolver.admitFor(context);
    return resolution instanceof Promise
      ? resolution.then((resolved) => this.serve(resolved, context, next))
      : this.serve(resolution, context, next);
  }

  /** One request may ask for several fields, each by a resolver of its own: it counts once. */
  private async resolveOfGraphql(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const resolution = await this.resolver.admitFor(context);
    const request = nodeRequest(requestOf(context));
    if (this.counted.has(request)) return next.handle();
    const answer = this.serve(resolution, context, next);
    this.counted.add(request);
    return answer;
  }

  private serve(resolution: Resolution, context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const stream = eventStreamOf(nodeRequest(requestOf(context)));
    if (resolution.session) {
      if (traitsOf(context).isPassive) this.resolver.confirm(resolution);
      else this.resolver.touch(resolution, stream ? null : nodeResponse(responseOf(context)));
      this.journal?.note(resolution.session, context);
    } else if (resolution instanceof UnusedSession) this.leaveToUse(resolution, context);
    else if (resolution.reason === 'mismatch') throw errorFor(resolution);
    return stream ? stream.carry(next.handle()) : next.handle();
  }

  private leaveToUse(unused: UnusedSession, context: ExecutionContext): void {
    // The headers of an event stream go out before its handler has run.
    if (traitsOf(context).isEventStream) return unused.close();
    const response = nodeResponse(responseOf(context));
    unused.whenOpened((found) => {
      this.resolver.touch(found, response);
      this.journal?.note(found.session, context);
    });
  }
}
