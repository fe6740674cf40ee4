import type { IncomingMessage } from 'node:http';
import type { Operator } from '../../domain/journal/actor.js';
import { nodeRequest, type PlatformRequest } from '../../http/platform-message.js';

/** What a credential allows: everything, or to look. */
export type AdminRights = 'full' | 'read';

/** Whose request it is. */
export interface AdminCredential {
  /** The first 8 hex digits of the SHA-256 of the operator's token. */
  readonly keyId: string;
  readonly access: AdminRights;
}

/** Where an application replaces the guard, nobody knows the token. */
const UNKNOWN: Operator = Object.freeze({ kind: 'admin', keyId: 'unknown' });

const credentials = new WeakMap<IncomingMessage, AdminCredential>();

/** Notes who sent a request that was admitted. */
export function noteCredential(request: PlatformRequest, credential: AdminCredential): void {
  credentials.set(nodeRequest(request), credential);
}

/** Who sent a request that was admitted. */
export function operatorOf(request: PlatformRequest): Operator {
  const keyId = credentials.get(nodeRequest(request))?.keyId;
  return keyId === undefined ? UNKNOWN : { kind: 'admin', keyId };
}
