import { idleEndsAt } from '../../domain/lifetime.js';
import type { ResourceRecord } from '../../domain/resource.js';
import type { SessionRecord } from '../../domain/session.js';

/** A session with its resources, at one moment. Instants are epoch milliseconds, sizes bytes. */
export interface SessionDetails extends Omit<
  SessionRecord,
  'tokenHash' | 'keptAuthorities' | 'state' | 'endReason'
> {
  readonly idleEndsAt: number;
  /** Those that are `ready`, oldest first. `incomingCount` tells what is still on its way. */
  readonly resources: readonly ResourceRecord[];
}

export function detailsOf(record: SessionRecord, resources: readonly ResourceRecord[]): SessionDetails {
  const { tokenHash: _hash, keptAuthorities: _kept, state: _state, endReason: _reason, ...visible } = record;
  const ready = resources.filter(({ state }) => state === 'ready');
  return { ...visible, idleEndsAt: idleEndsAt(record), resources: ready };
}
