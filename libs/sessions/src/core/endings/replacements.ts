import { authorityOf, type SessionRecord } from '../../domain/session.js';
import type { CoreContext } from '../process/context.js';
import type { Replacement } from '../process/live-connections.js';

/** What the record of an open session says of its token. */
export function replacementOf({
  id,
  tokenHash,
  keptAuthorities,
}: Pick<SessionRecord, 'id' | 'tokenHash' | 'keptAuthorities'>): Replacement {
  return { id, authority: authorityOf(tokenHash), keptAuthorities };
}

/**
 * Takes away what this process hands out under an older token: the cached session and live connections. `tokenSent`: when the
 * response with the new one is out. Does nothing if there is no new one.
 */
export function applyReplacement(
  { cache, connections }: Pick<CoreContext, 'cache' | 'connections'>,
  replacement: Replacement,
  tokenSent?: Promise<void>,
): void {
  cache.keepOnly(replacement);
  void connections.cutOffStale(replacement, tokenSent);
}
