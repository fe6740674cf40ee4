import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { keyIdOf } from '../../core/config/secret-matcher.js';
import type { AdminCredential, AdminRights } from '../access/admin-credential.js';

/** So long a sign-in lasts. */
export const SIGN_IN_MS = 8 * 60 * 60_000;

const VERSION = 'v1';
const KEY_BYTES = 32;
const NONCE_BYTES = 16;
const SEALED = /^v1\.([a-f\d]{8})\.(full|read)\.(\d{1,15})\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}$/;

/** Who signed in, and until when. */
export interface SignIn extends AdminCredential {
  readonly expiresAt: number;
  /** What a page that may read answers knows, and a page of another site does not. */
  readonly csrf: string;
}

interface Keys {
  readonly seal: Buffer;
  readonly csrf: Buffer;
}

/**
 * Writes sign-ins into cookies: `v1.<key id>.<access>.<end>.<nonce>.<HMAC-SHA256>`. The key is derived from the operator's token, so
 * a cookie ends with the token, and with what the token may do. No server keeps anything of it.
 */
export class SignInSeal {
  private readonly keys: ReadonlyMap<string, Keys>;

  constructor(tokens: Readonly<Record<AdminRights, readonly string[]>>) {
    const listed = (['full', 'read'] as const).flatMap((access) =>
      tokens[access].map((token) => [nameOf({ keyId: keyIdOf(token), access }), keysOf(token)] as const),
    );
    this.keys = new Map(listed);
  }

  seal({ keyId, access }: AdminCredential, now: number): string {
    const keys = this.keys.get(nameOf({ keyId, access }));
    if (!keys) throw new RangeError('A sign-in is sealed with a token that is configured');
    const nonce = randomBytes(NONCE_BYTES).toString('base64url');
    const content = [VERSION, keyId, access, now + SIGN_IN_MS, nonce].join('.');
    return `${content}.${mac(keys.seal, content).toString('base64url')}`;
  }

  /** `null`: the text was not sealed here with a token that is configured now, or its time is over. */
  open(text: string, now: number): SignIn | null {
    const [, keyId = '', access = '', end] = SEALED.exec(text) ?? [];
    const credential = { keyId, access: access as AdminRights };
    const keys = this.keys.get(nameOf(credential));
    if (!keys) return null;
    const at = text.lastIndexOf('.');
    const expected = mac(keys.seal, text.slice(0, at)).toString('base64url');
    if (!timingSafeEqual(Buffer.from(expected), Buffer.from(text.slice(at + 1)))) return null;
    const expiresAt = Number(end);
    const leftMs = expiresAt - now;
    // A clock that was put back makes no sign-in last longer.
    if (leftMs <= 0 || leftMs > SIGN_IN_MS) return null;
    return { ...credential, expiresAt, csrf: mac(keys.csrf, text).toString('base64url') };
  }
}

function nameOf({ keyId, access }: AdminCredential): string {
  return `${keyId}.${access}`;
}

function keysOf(token: string): Keys {
  return { seal: derive(token, 'admin page cookie'), csrf: derive(token, 'admin page csrf') };
}

function derive(token: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', token, '', `nest-sessions ${purpose}`, KEY_BYTES));
}

function mac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
