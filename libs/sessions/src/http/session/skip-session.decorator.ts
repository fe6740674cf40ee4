import { SetMetadata } from '@nestjs/common';

/** @internal */
export const SKIP_SESSION = 'nest-sessions:skip';

/**
 * For handlers, or whole controllers, whose requests begin and touch no session: health checks, metrics, admin.
 * `@CurrentSession({ optional: true })` gives `null` there.
 */
export function SkipSession(): ClassDecorator & MethodDecorator {
  return SetMetadata(SKIP_SESSION, true);
}
