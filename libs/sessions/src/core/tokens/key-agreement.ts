import { SessionsError } from '../../domain/errors.js';
import { labelOf } from '../config/options.js';

/** What a live server says of its keys in its heartbeats. */
export interface KeysOfServer {
  /** The ids of its keys, in the order of the option `keys`; none where its tokens are not sealed. */
  readonly keyIds: readonly string[];
}

/** The first of these ids that all of the servers list. */
export function firstCommon(ids: readonly string[], servers: readonly KeysOfServer[]): string | undefined {
  return ids.find((id) => servers.every(({ keyIds }) => keyIds.includes(id)));
}

/**
 * Refuses to boot beside live servers whose tokens this server could not read.
 * @throws SessionsError `CONFIG_INVALID`
 */
export function requireKeysInUse(own: readonly string[], others: readonly KeysOfServer[]): void {
  const fault = others.map((other) => faultOf(own, other, others)).find((found) => found !== null);
  if (fault !== undefined) throw new SessionsError('CONFIG_INVALID', `${labelOf('keys')} ${fault}`);
}

function faultOf(
  own: readonly string[],
  { keyIds }: KeysOfServer,
  all: readonly KeysOfServer[],
): string | null {
  if (own.length === 0) {
    return keyIds.length === 0
      ? null
      : 'is not set, but a live server seals its tokens: set its keys here too.';
  }
  if (keyIds.length === 0) return 'is set, but a live server runs without it: stop that server first.';
  const inUse = firstCommon(keyIds, all);
  if (inUse === undefined || own.includes(inUse)) return null;
  return `lacks the key ${inUse}, with which live servers seal tokens: add it, and remove it when no server seals with it.`;
}
