import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { bucketName } from '../../domain/bucket.js';
import { digitsOf, idOfDigits } from '../../domain/ids.js';
import type { TokenUse } from './token-codec.js';

const CIPHER = 'aes-256-gcm';
const VERSION = 'v1';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const ID_BYTES = 16;
const SECRET_BYTES = 32;
const TAG_BYTES = 16;
/** Stands for the cookie's name in tokens of the header `Authorization`: the option `cookieName` refuses it. */
const BEARER = 'bearer';
/** Hex digits of a key's id. */
const KEY_ID_LENGTH = 8;

/** What a token holds: the id of its session, and the secret. */
export interface TokenContent {
  readonly sessionId: string;
  readonly hash: string;
}

/**
 * One of the keys of the option `keys`. It seals tokens: `v1.<key id>.<nonce, session id and secret by AES-256-GCM>`, in
 * base64url. What it seals for one use or cookie, it does not open for another one.
 */
export class TokenKey {
  /** The first hex digits of a value derived from the key, which tells nothing of the key. */
  readonly id: string;
  private readonly sealing: Buffer;
  private readonly hashing: Buffer;
  private readonly prefix: string;
  private readonly authenticated: Readonly<Record<TokenUse, Buffer>>;

  constructor(key: Buffer, cookieName: string) {
    this.id = derive(key, 'id').toString('hex').slice(0, KEY_ID_LENGTH);
    this.sealing = derive(key, 'seal');
    this.hashing = derive(key, 'hash');
    this.prefix = `${VERSION}.${this.id}.`;
    this.authenticated = {
      cookie: Buffer.from(this.prefix + cookieName),
      bearer: Buffer.from(this.prefix + BEARER),
    };
  }

  /** A new token of the session. */
  seal(sessionId: string, use: TokenUse): TokenContent & { readonly text: string } {
    const content = Buffer.concat([Buffer.from(digitsOf(sessionId), 'hex'), randomBytes(SECRET_BYTES)]);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.sealing, nonce).setAAD(this.authenticated[use]);
    const sealed = Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    return {
      text: this.prefix + sealed.toString('base64url'),
      sessionId,
      hash: this.hashOf(sessionId, content),
    };
  }

  /** What this key sealed for this use; `null` for anything else. */
  open(text: string, use: TokenUse): TokenContent | null {
    const sealed = Buffer.from(text.slice(this.prefix.length), 'base64url');
    const decipher = createDecipheriv(CIPHER, this.sealing, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(this.authenticated[use]).setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      const content = Buffer.concat([
        decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)),
        decipher.final(),
      ]);
      const sessionId = idOfDigits(content.toString('hex', 0, ID_BYTES));
      return { sessionId, hash: this.hashOf(sessionId, content) };
    } catch {
      return null;
    }
  }

  /** Keyed: who reads the store can neither make the token nor check a guess. Over the id too: it fits no other session. */
  private hashOf(sessionId: string, content: Buffer): string {
    return bucketName(sessionId) + createHmac('sha256', this.hashing).update(content).digest('base64url');
  }
}

/** The key id of a text that has the form of a sealed token, in its one spelling: else `null`. */
export function keyIdOf(text: string): string | null {
  return typeof text === 'string' && SEALED.test(text)
    ? text.slice(VERSION.length + 1, VERSION.length + 1 + KEY_ID_LENGTH)
    : null;
}

/** 76 bytes are 101 characters of six bits and one of two bits: its other four are zero in the one spelling that counts. */
const SEALED = /^v1\.[a-f\d]{8}\.[A-Za-z0-9_-]{101}[AQgw]$/;

function derive(key: Buffer, purpose: 'id' | 'seal' | 'hash'): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', purpose, KEY_BYTES));
}
