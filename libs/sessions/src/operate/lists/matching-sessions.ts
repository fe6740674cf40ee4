import type { SessionsCore } from '../../core/core.js';
import type { SessionFilter } from '../../domain/listing/session-filter.js';
import type { SessionRecord } from '../../domain/session.js';
import type { ListPosition } from '../../ports/store/session-store.js';

const SLICE = 1000;

/** The live sessions that match, opened first before others, in slices; at most `limit` in all. Rejects if the store does not answer. */
export async function* matchingSessions(
  { lists }: Pick<SessionsCore, 'lists'>,
  filter: SessionFilter,
  limit: number,
): AsyncGenerator<readonly SessionRecord[], void, void> {
  let [left, after]: [number, ListPosition | null] = [limit, null];
  while (left > 0) {
    const slice = await lists.find({
      limit: Math.min(left, SLICE),
      sort: 'created_at',
      filter,
      ...(after && { after }),
    });
    if (slice.sessions.length > 0) yield slice.sessions;
    left -= slice.sessions.length;
    after = slice.next;
    if (after === null) return;
  }
}
