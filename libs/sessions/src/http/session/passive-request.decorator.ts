import { SetMetadata } from '@nestjs/common';

/** @internal */
export const PASSIVE_REQUEST = 'nest-sessions:passive';

/**
 * Marks a handler or controller whose requests are no activity, such as what a page polls by itself: they find the session,
 * but do not keep it from idling out, and open none. `@CurrentSession({ optional: true })` passes `null` if there is none.
 */
export function PassiveRequest(): ClassDecorator & MethodDecorator {
  return SetMetadata(PASSIVE_REQUEST, true);
}
