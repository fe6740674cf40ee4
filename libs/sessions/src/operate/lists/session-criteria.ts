import type { SessionsCore } from '../../core/core.js';
import type { SessionFilter } from '../../domain/listing/session-filter.js';

/** Placeholder until branch `lists`. */
export interface SessionCriteria {
  readonly userId?: string;
  readonly network?: string;
  readonly idleMs?: number;
  readonly bytesAbove?: number;
}

export function filterOf(
  { clock }: Pick<SessionsCore, 'config' | 'clock'>,
  { idleMs, ...criteria }: SessionCriteria,
  { asOf = clock.now(), upTo = false }: { readonly asOf?: number; readonly upTo?: boolean } = {},
): SessionFilter {
  return {
    ...criteria,
    ...(idleMs !== undefined && { idleSince: asOf - idleMs }),
    ...(upTo && { openedUntil: asOf }),
  };
}
