import { value, type OptionsOf } from './command-declaration.js';

/* Which sessions: for a list of them, and for their end. */

export const FILTER = {
  user: value('id', 'only the sessions of this user'),
  ip: value('address', 'only those from this address or network: 192.0.2.7, 192.0.2.0/24, 2001:db8::/32'),
  idleOver: value('seconds', 'only those without activity for so long'),
  bytesOver: value('bytes', 'only those that hold more bytes'),
  nearLimit: value('percent', 'only those that use so much of a limit, or more'),
};

/** Names of the query readers, and the flags that faults name. */
export const FILTER_FLAGS = {
  user_id: '--user',
  ip: '--ip',
  idle_over: '--idle-over',
  bytes_over: '--bytes-over',
  near_limit: '--near-limit',
};

export function filterValues({ user, ip, idleOver, bytesOver, nearLimit }: OptionsOf<typeof FILTER>) {
  return { user_id: user, ip, idle_over: idleOver, bytes_over: bytesOver, near_limit: nearLimit };
}
