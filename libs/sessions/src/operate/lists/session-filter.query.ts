import { isUserId } from '../../domain/ids.js';
import { invalid, type ReadQuery } from './page-query.js';
import type { SessionCriteria } from './session-criteria.js';

/** Placeholder until branch `lists`. */
export function readSessionFilter(given: Readonly<Record<string, unknown>>): ReadQuery<SessionCriteria> {
  const names = { user_id: 'user_id', ip: 'ip', idle_over: 'idle_over', bytes_over: 'bytes_over' };
  if (!Object.keys(given).every((name) => Object.hasOwn(names, name))) return invalid(['unknown parameter']);
  const { user_id: userId, ip, idle_over: idle, bytes_over: bytes } = given as Record<string, string>;
  if (Object.keys(given).length === 0) return invalid(['no filter']);
  if (Object.values(given).includes('') || (userId !== undefined && !isUserId(userId)))
    return invalid(['empty']);
  if (!/^\d*$/.test(`${idle ?? ''}${bytes ?? ''}`)) return invalid(['must be whole numbers']);
  return {
    kind: 'valid',
    query: {
      ...(userId !== undefined && { userId }),
      ...(ip !== undefined && { network: ip }),
      ...(idle !== undefined && { idleMs: Number(idle) * 1000 }),
      ...(bytes !== undefined && { bytesAbove: Number(bytes) }),
    },
  };
}
