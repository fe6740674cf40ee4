import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { eventStreamOf } from '../stream/event-stream.js';
import { nodeRequest, type PlatformRequest } from '../platform-message.js';
import { errorFor, type Resolution } from './resolution.js';
import { SessionResolver } from './session-resolver.js';

/**
 * Resolves the session of every HTTP request and counts the request; ends event streams with their sessions. Handlers
 * marked with `@SkipSession()` are exempt.
 */
@Injectable()
export class SessionInterceptor implements NestInterceptor {
  constructor(@Inject(SessionResolver) private readonly resolver: SessionResolver) {}

  /** Synchronous if possible: a promise here costs a request more than all other work for its session. */
  intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    if (context.getType() !== 'http') return next.handle();
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    const resolution = this.resolver.resolveFor(context);
    return resolution instanceof Promise
      ? resolution.then((resolved) => this.serve(resolved, request, next))
      : this.serve(resolution, request, next);
  }

  private serve(resolution: Resolution, request: PlatformRequest, next: CallHandler): Observable<unknown> {
    if (resolution.session) this.resolver.touch(resolution);
    else if (resolution.reason === 'mismatch') throw errorFor(resolution);
    const stream = eventStreamOf(nodeRequest(request));
    return stream ? stream.carry(next.handle()) : next.handle();
  }
}
