import type { ExecutionContext } from '@nestjs/common';

/** What Nest's `@Sse()` leaves on a handler. */
const SSE_METADATA = '__sse__';

/** Whether this handler answers with server-sent events. */
export function handlesEventStream(context: ExecutionContext): boolean {
  return Reflect.getMetadata(SSE_METADATA, context.getHandler()) === true;
}
