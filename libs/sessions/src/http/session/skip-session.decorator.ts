import { SetMetadata } from '@nestjs/common';

/** @internal */
export const SKIP_SESSION = 'nest-sessions:skip';

/**
 * Marks a handler or controller whose requests open and touch no session: health checks, metrics, admin.
 * `@CurrentSession({ optional: true })` passes `null` there.
 */
export function SkipSession(): ClassDecorator & MethodDecorator {
  return SetMetadata(SKIP_SESSION, true);
}
