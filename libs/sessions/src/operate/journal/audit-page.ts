import type { SessionsCore } from '../../core/core.js';
import type { AuditEntry, WrongTokens } from '../../domain/journal/audit-entry.js';
import type { AuditQuery } from '../../ports/record/audit.js';
import { auditCursor } from '../lists/page-cursor.js';

const MINUTE_MS = 60_000;

/** What operators did, the latest first. */
export interface AuditListing {
  readonly entries: readonly AuditEntry[];
  /** Of the minutes that touch the range, latest first; `null` on all pages but the first. */
  readonly wrongTokens: readonly WrongTokens[] | null;
  /** Cursor of the next page; `null` on the last page. */
  readonly nextCursor: string | null;
}

/** Rejects if the store does not answer, and with `INVALID_ARGUMENT` if it knows no such position. */
export async function readAudit(
  { store }: Pick<SessionsCore, 'store'>,
  query: AuditQuery,
): Promise<AuditListing> {
  const isFirst = query.after === undefined || query.after === null;
  const [{ entries, next }, counts] = await Promise.all([
    store.audit.read(query),
    isFirst ? store.audit.listWrongTokens() : null,
  ]);
  const isWithin = ({ minuteAt }: WrongTokens): boolean =>
    minuteAt + MINUTE_MS > query.from && minuteAt < query.to;
  const wrongTokens = counts?.filter(isWithin) ?? null;
  return { entries, wrongTokens, nextCursor: next === null ? null : auditCursor(next) };
}
