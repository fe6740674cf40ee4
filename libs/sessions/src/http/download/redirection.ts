import type { SessionsError } from '../../domain/errors.js';
import { nodeRequest, type PlatformRequest } from '../platform-message.js';

/**
 * Where a request is to be made again: the same target at the origin that the error names; `null` where it names none, or
 * where the request is none that may be made twice. The origin is the operator's: whatever the client asked for comes
 * after it.
 */
export function locationOf(error: SessionsError, request: PlatformRequest): string | null {
  if (error.nodeAddress === undefined) return null;
  const { method, url } = nodeRequest(request);
  const target = request.originalUrl ?? url ?? '';
  const isSafe = method === 'GET' || method === 'HEAD';
  return isSafe && target.startsWith('/') ? `${error.nodeAddress}${target}` : null;
}
