import { SetMetadata } from '@nestjs/common';

/** @internal */
export const ALLOW_CROSS_SITE = 'nest-sessions:allow-cross-site';

/**
 * Marks a handler or controller that pages of other sites may send a browser to with its session cookie, such as an OAuth
 * `form_post`, SAML or 3-D Secure. The handler must check by itself that its user meant the request. The cookie needs
 * `SameSite=None` to come along.
 */
export function AllowCrossSite(): ClassDecorator & MethodDecorator {
  return SetMetadata(ALLOW_CROSS_SITE, true);
}
