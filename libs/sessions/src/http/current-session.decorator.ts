import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { CurrentSessionPipe, type SessionWish } from './current-session.pipe.js';

export interface CurrentSessionOptions {
  /** `null` where there is no session, rather than a refusal. */
  readonly optional?: boolean;
}

const FromContext = createParamDecorator(
  ({ optional = false }: CurrentSessionOptions, context: ExecutionContext): SessionWish => ({
    context,
    isOptional: optional,
  }),
);

/**
 * Gives a handler the session of its request, or, in a gateway, of its client. Without one the request is refused: 429 or
 * 503 with Retry-After where no session could be begun, 401 otherwise. `{ optional: true }` gives `null` instead.
 */
export function CurrentSession(options: CurrentSessionOptions = {}): ParameterDecorator {
  return FromContext(options, CurrentSessionPipe);
}
