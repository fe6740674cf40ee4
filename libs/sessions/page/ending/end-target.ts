import type { FilterParameters } from '../state/session-filter.js';

/** Which sessions are to be ended: as they were chosen, or all that match. */
export type EndTarget =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  /** `text`: as it was typed. */
  | { readonly kind: 'filter'; readonly filter: FilterParameters; readonly text: string };

/** Express takes bodies of 100 kB, unless the application allows more. */
const IDS_OF_A_REQUEST = 2000;

/** What a dry run asks for; `asOf`: the moment of the first one. */
export function countBody(target: EndTarget, asOf: string | null): object {
  if (target.kind === 'ids') return { ids: target.ids, dry_run: true };
  return { filter: conditionsOf(target.filter), ...(asOf !== null && { as_of: asOf }), dry_run: true };
}

/** What ends these sessions, request by request: those of a filter only as far as they still match, as of the moment of the dry run. */
export function endBodies(target: EndTarget, ids: readonly string[], asOf: string): object[] {
  const condition = target.kind === 'filter' ? { filter: conditionsOf(target.filter), as_of: asOf } : {};
  const parts = Array.from({ length: Math.ceil(ids.length / IDS_OF_A_REQUEST) }, (_, part) =>
    ids.slice(part * IDS_OF_A_REQUEST, (part + 1) * IDS_OF_A_REQUEST),
  );
  return parts.map((some) => ({ ...condition, ids: some, dry_run: false }));
}

function conditionsOf(filter: FilterParameters): object {
  const { state: _, ...conditions } = filter;
  return conditions;
}
