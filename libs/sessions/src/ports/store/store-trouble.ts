import { SessionsError } from '../../domain/errors.js';
import type { Heartbeat } from '../fleet.js';

/**
 * What is wrong with the data of a store, as far as this process knows. Only an operator can mend it.
 * - `damaged`: parts of the data cannot be read; it stays until a restart.
 * - `deleted`, `replaced`: the database that this process opened is no longer at its path, or another one is. The store
 *   answers nothing until it is back.
 * - `newer`: a newer version has taken the store over; this process reads and writes nothing more.
 * - `older`: processes of an older version still use the store; this one waits until the last is gone.
 */
export type StoreTrouble = 'damaged' | 'deleted' | 'replaced' | 'newer' | 'older';

/** What a process answers whose store a newer version has taken over. */
export const NEWER_MESSAGE =
  'A newer nest-sessions has taken the session store over: this process reads and writes nothing more. Stop it.';

/** A process that a store of an older version lists. */
export type Holder = Pick<Heartbeat, 'processId' | 'at' | 'host' | 'pid'>;

/** The store has an older version, which could be migrated, but these processes may still use it. */
export class StoreHeld extends SessionsError {
  constructor(readonly holders: readonly Holder[]) {
    super(
      'STORE_INCOMPATIBLE',
      'Processes of an older nest-sessions may still use the session store: stop them; the server of this version then takes it over.',
    );
  }
}

/** Whether a holder has sent no heartbeat since it was seen silent. */
export function isStillSilent(holder: Holder, silent: readonly Holder[]): boolean {
  return silent.some(({ processId, at }) => processId === holder.processId && at >= holder.at);
}
