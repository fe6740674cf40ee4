import type { SessionsCore } from '../../core/core.js';
import { matchesFilter, type SessionFilter } from '../../domain/listing/session-filter.js';
import type { SessionRecord } from '../../domain/session.js';

const PAGE = 500;

/** Placeholder until branch `lists`. */
export async function* matchingSessions(
  core: SessionsCore,
  filter: SessionFilter,
  limit: number,
): AsyncGenerator<readonly SessionRecord[]> {
  let after: { instant: number; id: string } | undefined;
  let found = 0;
  for (;;) {
    const page = await core.store.sessions.list({ limit: PAGE, sort: 'created_at', ...(after && { after }) });
    const slice = page
      .filter((session) => core.finder.isLive(session) && matchesFilter(filter, session))
      .slice(0, limit - found);
    found += slice.length;
    yield slice;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE || found >= limit) return;
    after = { instant: last.createdAt, id: last.id };
  }
}
