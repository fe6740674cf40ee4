import type { ExecutionContext, Type } from '@nestjs/common';
import { SKIP_SESSION } from './skip-session.decorator.js';

/** What Nest's `@Sse()` leaves on a handler. */
const SSE_METADATA = '__sse__';

/** What the decorators of a handler, and of its controller, ask for. */
export interface HandlerTraits {
  /** It answers with server-sent events. */
  readonly isEventStream: boolean;
  /** Its requests begin and touch no session. */
  readonly skipsSession: boolean;
}

type Handler = ReturnType<ExecutionContext['getHandler']>;

/** By the controller, too: handlers may be inherited. */
const known = new WeakMap<Type, Map<Handler, HandlerTraits>>();

/** Read once for each handler: metadata is slow to look up, and this is asked several times with every request. */
export function traitsOf(context: ExecutionContext): HandlerTraits {
  const controller = context.getClass();
  const handler = context.getHandler();
  const traits = known.get(controller)?.get(handler);
  if (traits) return traits;
  const read = readTraits(controller, handler);
  known.set(controller, new Map([...(known.get(controller) ?? []), [handler, read]]));
  return read;
}

function readTraits(controller: Type, handler: Handler): HandlerTraits {
  const skips: unknown =
    Reflect.getMetadata(SKIP_SESSION, handler) ?? Reflect.getMetadata(SKIP_SESSION, controller);
  return {
    isEventStream: Reflect.getMetadata(SSE_METADATA, handler) === true,
    skipsSession: skips === true,
  };
}
