import type { SessionsCore } from '../../core/core.js';
import type { EndedEntry, JournalEntry } from '../../domain/journal/entry.js';
import { whyOver } from '../../domain/lifetime.js';
import type { EndReason } from '../../domain/session.js';
import type { JournalPosition } from '../../ports/record/journal.js';
import { MAX_PAGE } from '../lists/session-page.js';

/** A session that is over, as long as its tombstone is kept. */
export interface PastSession {
  readonly id: string;
  /** `ending`: it is over for everybody; its files are being deleted, or the next cleanup ends it. */
  readonly state: 'ending' | 'ended';
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly endReason: EndReason | null;
  /** By whom, and what it held; `null` if its timeline has no such entry. */
  readonly end: EndedEntry | null;
}

/** `null` if the store knows no session with this id, or it is live. Rejects if the store does not answer. */
export async function readPastSession(core: SessionsCore, id: string): Promise<PastSession | null> {
  const record = await core.store.sessions.find(id);
  if (record === null || core.finder.isLive(record)) return null;
  const { createdAt, state } = record;
  const end = state === 'open' ? null : await findEnd(core, id);
  return {
    id,
    state: state === 'ended' ? 'ended' : 'ending',
    createdAt,
    endedAt: end?.at ?? null,
    endReason: record.endReason ?? whyOver(record, core.clock.now()),
    end,
  };
}

/** Requests may be entered after the end: the whole timeline is searched, which is short. */
async function findEnd({ store }: SessionsCore, id: string): Promise<EndedEntry | null> {
  let after: JournalPosition | null = null;
  do {
    const page = await store.journal.read(id, MAX_PAGE, after);
    const end = page.entries.find((entry): entry is JournalEntry & EndedEntry => entry.kind === 'ended');
    if (end) return end;
    after = page.next;
  } while (after !== null);
  return null;
}
