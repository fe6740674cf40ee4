import { LRUCache } from 'lru-cache';
import { SessionsError } from '../../domain/errors.js';
import { labelOf } from '../config/options.js';
import { firstCommon, type KeysOfServer } from './key-agreement.js';
import { SessionToken } from './session-token.js';
import type { TokenCodec, TokenUse } from './token-codec.js';
import { keyIdOf, TokenKey } from './token-key.js';

/** As many as sessions are cached. About 10 MB when full. */
const MAX_REMEMBERED = 20_000;
const RETRY_SECONDS = 2;

interface Remembered {
  readonly token: SessionToken;
  readonly use: TokenUse;
}

/**
 * Tokens that are sealed with a key of the option `keys`: see `TokenKey`. New tokens are sealed with the first key that
 * every other live server has too, so servers may be given a new key one after the other.
 */
export class SealedTokens implements TokenCodec {
  /** In the order of the option. */
  readonly keyIds: readonly string[];
  private readonly keys: ReadonlyMap<string, TokenKey>;
  private sealing: TokenKey;
  /** The keys that only other live servers have. */
  private foreign: ReadonlySet<string> = new Set();
  private readonly remembered = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED });

  /** @param keys at least one, of 32 bytes in base64 each */
  constructor(keys: readonly string[], cookieName: string) {
    const made = keys.map((key) => new TokenKey(Buffer.from(key, 'base64'), cookieName));
    const [first] = made;
    if (!first) throw new RangeError('Sealed tokens need a key');
    this.sealing = first;
    this.keys = new Map(made.map((key) => [key.id, key]));
    this.keyIds = [...this.keys.keys()];
  }

  /** Takes note of the other live servers. Where no key is common to all, the one in use stays. */
  note(others: readonly KeysOfServer[]): void {
    const listed = others.flatMap(({ keyIds }) => keyIds);
    this.foreign = new Set(listed.filter((id) => !this.keys.has(id)));
    this.sealing = this.keys.get(firstCommon(this.keyIds, others) ?? this.sealing.id) ?? this.sealing;
  }

  createFor(sessionId: string, use: TokenUse = 'cookie'): SessionToken {
    const { text, ...facts } = this.sealing.seal(sessionId, use);
    return new SessionToken(text, facts);
  }

  /** Opens no seal for a token that it remembers, as those of most requests. */
  open(text: string, use: TokenUse = 'cookie'): SessionToken | null {
    const known = this.remembered.get(text);
    if (known) return known.use === use ? known.token : null;
    const keyId = keyIdOf(text);
    if (keyId === null) return null;
    const content = this.keyWith(keyId)?.open(text, use);
    if (!content) return null;
    const token = new SessionToken(text, content);
    this.remembered.set(text, { token, use });
    return token;
  }

  /** A client whose token another server can read must not get a new session in its place. */
  private keyWith(keyId: string): TokenKey | undefined {
    if (this.foreign.has(keyId)) {
      throw new SessionsError(
        'TOKEN_KEY_MISSING',
        `The token is sealed with the key ${keyId}, which another server has and this one has not: add it to ${labelOf('keys')}.`,
        { retryAfterSeconds: RETRY_SECONDS },
      );
    }
    return this.keys.get(keyId);
  }
}
