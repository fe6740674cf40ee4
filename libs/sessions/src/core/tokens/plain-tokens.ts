// `hash` is not imported by name: Node.js 18 has none, and would end with a syntax error instead of `refuseOldNode`.
import crypto, { randomBytes } from 'node:crypto';
import { bucketName } from '../../domain/bucket.js';
import { SessionToken } from './session-token.js';
import type { TokenCodec } from './token-codec.js';

const TOKEN = /^[A-Za-z0-9_-]{45}$/;

/** Two characters for the session's bucket, then 256 random bits in base64url. Stores keep the SHA-256. */
export class PlainTokens implements TokenCodec {
  createFor(sessionId: string): SessionToken {
    return tokenOf(bucketName(sessionId) + randomBytes(32).toString('base64url'));
  }

  open(text: string): SessionToken | null {
    return isPlainForm(text) ? tokenOf(text) : null;
  }
}

/** Whether a text has the form of a plain token, whoever made it. */
export function isPlainForm(text: string): boolean {
  return typeof text === 'string' && TOKEN.test(text);
}

function tokenOf(text: string): SessionToken {
  const hash = text.slice(0, 2) + crypto.hash('sha256', text, 'base64url');
  return new SessionToken(text, { hash, sessionId: null });
}
