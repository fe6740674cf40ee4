import { timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, UnauthorizedException } from '@nestjs/common';
import type { SessionsConfig } from '../../core/config/config.js';
import { SESSIONS_CONFIG } from '../../core/config/tokens.js';
import { SessionsCore } from '../../core/core.js';
import { SessionsError } from '../../domain/errors.js';
import { isSecureScheme } from '../../http/client/proxy-trust.js';
import { nodeRequest, type PlatformRequest, type PlatformResponse } from '../../http/platform-message.js';
import { readCookies, sendCookie } from '../../http/token/cookies.js';
import type { AdminCredential } from '../access/admin-credential.js';
import { SIGN_IN_MS, SignInSeal, type SignIn } from './sign-in-seal.js';

const COOKIE = 'nest-sessions-admin';
const READING: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD']);

/**
 * The sign-ins of the page: cookies. A cookie has no `Path`, so that the browser takes the folder of the URL that set it,
 * `…/admin/sessions`, as the browser sees it: no server knows what a proxy cut off before.
 */
@Injectable()
export class SignIns {
  private readonly seal: SignInSeal;

  constructor(
    @Inject(SESSIONS_CONFIG) { adminTokens, adminReadTokens }: SessionsConfig,
    @Inject(SessionsCore) private readonly core: SessionsCore,
  ) {
    this.seal = new SignInSeal({ full: adminTokens, read: adminReadTokens });
  }

  begin(request: PlatformRequest, response: PlatformResponse, credential: AdminCredential): void {
    const value = this.seal.seal(credential, this.core.clock.now());
    this.send(request, response, value, SIGN_IN_MS / 1000);
  }

  end(request: PlatformRequest, response: PlatformResponse): void {
    this.send(request, response, '', 0);
  }

  /**
   * The sign-in that a request presents; `null` if it presents none. A request that changes something needs the page's `X-CSRF-Token`.
   * @throws UnauthorizedException the cookie does not count, or not any more
   * @throws SessionsError `CROSS_SITE_REFUSED`: it is not a request of the page
   */
  read(request: PlatformRequest): SignIn | null {
    const now = this.core.clock.now();
    const values = readCookies(request, nameFor(isSecureScheme(request.protocol)));
    if (values.length === 0) return null;
    const signIn = values.map((value) => this.seal.open(value, now)).find((one) => one !== null);
    if (!signIn) throw new UnauthorizedException();
    const { method, headers } = nodeRequest(request);
    if (READING.has(method)) refuseOtherSites(headers['sec-fetch-site']);
    else {
      requireOwnPage(request);
      if (!isSame(headers['x-csrf-token'], signIn.csrf))
        throw notOfThePage('the header X-CSRF-Token is missing or wrong');
    }
    return signIn;
  }

  private send(request: PlatformRequest, response: PlatformResponse, value: string, maxAge: number): void {
    const secure = isSecureScheme(request.protocol);
    sendCookie(response, {
      name: nameFor(secure),
      value,
      maxAge,
      httpOnly: true,
      sameSite: 'strict',
      secure,
    });
  }
}

/**
 * Refuses a request that changes something and that no page of this very origin made a browser send.
 * @throws SessionsError `CROSS_SITE_REFUSED`
 */
export function requireOwnPage(request: PlatformRequest): void {
  const site = nodeRequest(request).headers['sec-fetch-site'];
  if (site === 'same-origin') return;
  throw notOfThePage(
    site === undefined
      ? 'browsers send Sec-Fetch-Site over https and on localhost alone'
      : 'another page sent it',
  );
}

/** Old browsers send no such header; `SameSite=Strict` has kept the cookie from other sites by then. */
function refuseOtherSites(site: unknown): void {
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw notOfThePage('another page sent it');
}

/** Browsers take the prefix from secure connections alone: no plain page can set such a cookie. */
function nameFor(isSecure: boolean): string {
  return isSecure ? `__Secure-${COOKIE}` : COOKIE;
}

function isSame(given: unknown, expected: string): boolean {
  if (typeof given !== 'string') return false;
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function notOfThePage(why: string): SessionsError {
  return new SessionsError('CROSS_SITE_REFUSED', `This request does not come from the admin page: ${why}.`);
}
