import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Session } from '../../core/handles/session.js';
import { sessionOf } from './connection-sessions.js';
import { isOfGraphqlRequest, requestOf } from '../exchange.js';
import { nodeRequest } from '../platform-message.js';
import { errorFor, resolutionOf, type NoSession } from './resolution.js';

export interface CurrentSessionOptions {
  /** Pass `null` if the request has no session, instead of refusing it. Default: `false`. */
  readonly optional?: boolean;
}

const FromContext = createParamDecorator(
  (options: CurrentSessionOptions, context: ExecutionContext): Session | null => sessionIn(context, options),
);

/**
 * Passes a handler or GraphQL resolver the session of its request; in a gateway, of its client. A request without a session is refused: 429
 * or 503 with Retry-After if none could be opened, 401 otherwise. `{ optional: true }` passes `null` instead.
 */
export function CurrentSession(options: CurrentSessionOptions = {}): ParameterDecorator {
  return FromContext(options);
}

/** @internal The session of a request or of a gateway's client; `null` only if it is optional. */
export function sessionIn(
  context: ExecutionContext,
  { optional = false }: { readonly optional?: boolean | undefined },
): Session | null {
  const found = foundIn(context);
  if (!found.session && !optional) throw errorFor(found);
  return found.session;
}

/** The interceptor resolves the session of every request before Nest reads a handler's parameters. */
function foundIn(context: ExecutionContext): { readonly session: Session } | NoSession {
  const type = context.getType<string>();
  if (type !== 'http' && type !== 'graphql') {
    const session = sessionOf(context.switchToWs().getClient<object>());
    return session ? { session } : { session: null, reason: 'skipped' };
  }
  if (type === 'graphql' && !isOfGraphqlRequest(context)) {
    throw new Error(
      '@CurrentSession() of a GraphQL resolver requires the response: set context: (req, reply) => ({ req, reply }). ' +
        'A subscription has none.',
    );
  }
  const resolution = resolutionOf(nodeRequest(requestOf(context)));
  if (resolution === undefined || resolution instanceof Promise) {
    throw new Error('@CurrentSession() requires SessionsModule: import SessionsModule.forRoot().');
  }
  return resolution;
}
