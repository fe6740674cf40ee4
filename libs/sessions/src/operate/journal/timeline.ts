import type { SessionsCore } from '../../core/core.js';
import { SessionsError } from '../../domain/errors.js';
import type { JournalEntry } from '../../domain/journal/entry.js';
import { timelineCursor } from '../lists/page-cursor.js';
import type { PastSession } from './past-session.js';
import type { TimelineQuery } from './timeline.query.js';

/** What happened to one session, the oldest first. */
export interface Timeline {
  readonly sessionId: string;
  readonly state: 'live' | PastSession['state'];
  readonly entries: readonly JournalEntry[];
  /** Cursor of the next page; `null` on the last page. */
  readonly nextCursor: string | null;
}

/**
 * At most `query.limit` entries; `null` if the store knows no session with this id, or no longer. Includes what this process has
 * noted. Rejects if the store does not answer.
 * @throws SessionsError `INVALID_ARGUMENT`: the cursor is of another timeline, or none that the store made
 */
export async function readTimeline(
  core: SessionsCore,
  sessionId: string,
  { limit, after }: TimelineQuery,
): Promise<Timeline | null> {
  if (after && after.sessionId !== sessionId) {
    throw new SessionsError('INVALID_ARGUMENT', 'The cursor is of the timeline of another session.');
  }
  await core.entries.flush();
  const record = await core.store.sessions.find(sessionId);
  if (record === null) return null;
  const { entries, next } = await core.store.journal.read(sessionId, limit, after?.position ?? null);
  const ended = record.state === 'ended' ? 'ended' : 'ending';
  const state = core.finder.isLive(record) ? 'live' : ended;
  const nextCursor = next === null ? null : timelineCursor({ sessionId, position: next });
  return { sessionId, state, entries, nextCursor };
}
