import type { IncomingMessage } from 'node:http';
import type { Operator } from '../../domain/journal/actor.js';
import { nodeRequest, type PlatformRequest } from '../../http/platform-message.js';

/** Where an application replaces the guard, nobody knows the token. */
const UNKNOWN: Operator = Object.freeze({ kind: 'admin', keyId: 'unknown' });

const operators = new WeakMap<IncomingMessage, Operator>();

/** Notes who sent a request that was admitted. */
export function noteOperator(request: PlatformRequest, keyId: string): void {
  operators.set(nodeRequest(request), { kind: 'admin', keyId });
}

/** Who sent a request that was admitted. */
export function operatorOf(request: PlatformRequest): Operator {
  return operators.get(nodeRequest(request)) ?? UNKNOWN;
}
