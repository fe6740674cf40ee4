import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { SessionDataKey } from '../../core/handles/session-data.js';
import {
  sessionIn,
  takingSession,
  type CurrentSessionOptions,
} from '../session/current-session.decorator.js';

interface Requested extends CurrentSessionOptions {
  readonly key: SessionDataKey;
}

const FromContext = createParamDecorator(
  async ({ key, optional }: Requested, context: ExecutionContext): Promise<unknown> =>
    (await sessionIn(context, { optional }))?.get(key),
);

/**
 * Passes a handler a value from the data of its session, `undefined` for none. A request without a session is refused as by
 * `@CurrentSession()`; with `{ optional: true }` it gets `undefined`. All values of a request are read at once.
 */
export function SessionData(key: SessionDataKey, options: CurrentSessionOptions = {}): ParameterDecorator {
  return takingSession(FromContext({ key, ...options }), options);
}
