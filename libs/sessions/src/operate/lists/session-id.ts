import type { SessionsCore } from '../../core/core.js';
import { isUuid } from '../../domain/ids.js';

/** Characters of an id that name it, if no other id begins with them. */
export const LEAST_OF_ID = 4;

/** Ids that an answer lists when several begin alike. */
const MOST_LISTED = 10;

export type FoundSessionId =
  | { readonly kind: 'found'; readonly id: string }
  /** No session that the store knows, or the text is too short. */
  | { readonly kind: 'none' }
  /** Some of those that begin with the text. */
  | { readonly kind: 'several'; readonly ids: readonly string[] };

/**
 * The session, live or over, whose id is this text or alone begins with it, in small or capital letters. A whole id is found without
 * a look at the store: whether there is such a session tells its reader. Rejects if the store does not answer.
 */
export async function findSessionId({ store }: SessionsCore, text: string): Promise<FoundSessionId> {
  const wanted = text.toLowerCase();
  const isWhole: boolean = isUuid(wanted);
  if (isWhole) return { kind: 'found', id: wanted };
  if (wanted.length < LEAST_OF_ID) return { kind: 'none' };
  const ids = await store.sessions.findIds(wanted, MOST_LISTED);
  const [id] = ids;
  if (id === undefined) return { kind: 'none' };
  return ids.length === 1 ? { kind: 'found', id } : { kind: 'several', ids };
}
