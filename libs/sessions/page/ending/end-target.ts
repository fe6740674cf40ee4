import type { FilterParameters } from '../state/session-filter.js';

/** Which sessions are to be ended: as they were chosen, or all that match. */
export type EndTarget =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  /** `text`: as it was typed. */
  | { readonly kind: 'filter'; readonly filter: FilterParameters; readonly text: string };

/** As the server takes it; `asOf`: the moment of the dry run. No session that was opened later is meant. */
export function targetBody(target: EndTarget, asOf: string | null): object {
  if (target.kind === 'ids') return { ids: target.ids };
  const { state: _, ...filter } = target.filter;
  return { filter, ...(asOf !== null && { as_of: asOf }) };
}
