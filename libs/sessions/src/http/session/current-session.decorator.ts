import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Session } from '../../core/handles/session.js';
import { sessionOf } from './connection-sessions.js';
import { nodeRequest, type PlatformRequest } from '../platform-message.js';
import { errorFor, resolutionOf, type NoSession } from './resolution.js';

export interface CurrentSessionOptions {
  /** `null` where there is no session, rather than a refusal. */
  readonly optional?: boolean;
}

const FromContext = createParamDecorator(
  ({ optional = false }: CurrentSessionOptions, context: ExecutionContext): Session | null => {
    const found = foundIn(context);
    if (!found.session && !optional) throw errorFor(found);
    return found.session;
  },
);

/**
 * Gives a handler the session of its request, or, in a gateway, of its client. Without one the request is refused: 429 or
 * 503 with Retry-After where no session could be begun, 401 otherwise. `{ optional: true }` gives `null` instead.
 */
export function CurrentSession(options: CurrentSessionOptions = {}): ParameterDecorator {
  return FromContext(options);
}

/** The interceptor has asked for the session of every request before its handler is given anything. */
function foundIn(context: ExecutionContext): { readonly session: Session } | NoSession {
  if (context.getType() !== 'http') {
    const session = sessionOf(context.switchToWs().getClient<object>());
    return session ? { session } : { session: null, reason: 'skipped' };
  }
  const resolution = resolutionOf(nodeRequest(context.switchToHttp().getRequest<PlatformRequest>()));
  if (resolution === undefined || resolution instanceof Promise) {
    throw new Error('@CurrentSession() needs SessionsModule, which this application does not import.');
  }
  return resolution;
}
