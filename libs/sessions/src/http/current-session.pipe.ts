import { Inject, Injectable, type ExecutionContext, type PipeTransform } from '@nestjs/common';
import type { Session } from '../core/session.js';
import { sessionOf } from './connection-sessions.js';
import { errorFor, type NoSession } from './resolution.js';
import { SessionResolver } from './session-resolver.js';

/** What a handler asks for, and where. */
export interface SessionWish {
  readonly context: ExecutionContext;
  readonly isOptional: boolean;
}

/** @internal What stands behind `@CurrentSession()`: a pipe, since a pipe can be given the resolver. */
@Injectable()
export class CurrentSessionPipe implements PipeTransform<SessionWish, Promise<Session | null>> {
  constructor(@Inject(SessionResolver) private readonly resolver: SessionResolver) {}

  async transform({ context, isOptional }: SessionWish): Promise<Session | null> {
    const found = await this.find(context);
    if (!found.session && !isOptional) throw errorFor(found);
    return found.session;
  }

  private async find(context: ExecutionContext): Promise<{ readonly session: Session } | NoSession> {
    if (context.getType() === 'http') return this.resolver.resolveFor(context);
    const session = sessionOf(context.switchToWs().getClient<object>());
    return session ? { session } : { session: null, reason: 'skipped' };
  }
}
