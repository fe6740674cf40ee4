import type { SessionsError } from '../../domain/errors.js';
import { nodeRequest, type PlatformRequest } from '../platform-message.js';

/**
 * The URL at which the client should repeat its request: the same target at the node address in the error. `null` if
 * the error has no address, or the method is not safe to repeat. The operator configures the address, and the client's
 * target only follows it, so no client can choose the host.
 */
export function locationOf(error: SessionsError, request: PlatformRequest): string | null {
  if (error.nodeAddress === undefined) return null;
  const { method, url } = nodeRequest(request);
  const target = request.originalUrl ?? url ?? '';
  const isSafe = method === 'GET' || method === 'HEAD';
  return isSafe && target.startsWith('/') ? `${error.nodeAddress}${target}` : null;
}
