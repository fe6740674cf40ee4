import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Session } from '../../core/handles/session.js';
import { sessionOf } from './connection-sessions.js';
import { isOfGraphqlRequest, requestOf } from '../exchange.js';
import { nodeRequest } from '../platform-message.js';
import { errorFor, FoundSession, resolutionOf, used, type Resolution } from './resolution.js';

/** @internal Metadata of a handler one of whose parameters needs the session. */
export const TAKES_SESSION = 'nest-sessions:takes-session';

export interface CurrentSessionOptions {
  /**
   * Pass `null` if the request has no session, instead of refusing it; with the option `openOn: 'use'`, instead of opening one.
   * Default: `false`.
   */
  readonly optional?: boolean;
}

const FromContext = createParamDecorator(
  (options: CurrentSessionOptions, context: ExecutionContext): Session | null | Promise<Session | null> =>
    sessionIn(context, options),
);

/**
 * Passes a handler or GraphQL resolver the session of its request; in a gateway, of its client. A request without a session is refused: 429
 * or 503 with Retry-After if none could be opened, 401 otherwise. `{ optional: true }` passes `null` instead.
 */
export function CurrentSession(options: CurrentSessionOptions = {}): ParameterDecorator {
  return takingSession(FromContext(options), options);
}

/** @internal The parameter decorator, which also marks the handler unless the session is optional. */
export function takingSession(
  decorate: ParameterDecorator,
  { optional = false }: CurrentSessionOptions,
): ParameterDecorator {
  return (target, name, index) => {
    decorate(target, name, index);
    if (!optional && name !== undefined)
      Reflect.defineMetadata(TAKES_SESSION, true, target.constructor, name);
  };
}

/** @internal The session of a request or of a gateway's client; `null` only if it is optional. A promise if it has to be opened. */
export function sessionIn(
  context: ExecutionContext,
  { optional = false }: { readonly optional?: boolean | undefined },
): Session | null | Promise<Session | null> {
  const sessionOrError = (found: Resolution): Session | null => {
    if (!found.session && !optional) throw errorFor(found);
    return found.session;
  };
  const resolution = resolutionIn(context);
  const found = optional ? resolution : used(resolution);
  return found instanceof Promise ? found.then(sessionOrError) : sessionOrError(found);
}

/** The interceptor resolves the session of every request before Nest reads a handler's parameters. */
function resolutionIn(context: ExecutionContext): Resolution | Promise<Resolution> {
  const type = context.getType<string>();
  if (type !== 'http' && type !== 'graphql') return ofConnection(context.switchToWs().getClient<object>());
  if (type === 'graphql' && !isOfGraphqlRequest(context)) {
    throw new Error(
      '@CurrentSession() of a GraphQL resolver requires the response: set context: (req, reply) => ({ req, reply }). ' +
        'A subscription has none.',
    );
  }
  const resolution = resolutionOf(nodeRequest(requestOf(context)));
  if (resolution === undefined)
    throw new Error('@CurrentSession() requires SessionsModule: import SessionsModule.forRoot().');
  return resolution;
}

function ofConnection(connection: object): Resolution {
  const session = sessionOf(connection);
  return session ? new FoundSession(session, null, false, true) : { session: null, reason: 'skipped' };
}
