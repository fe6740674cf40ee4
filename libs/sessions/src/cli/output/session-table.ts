import type { SessionRecord } from '../../domain/session.js';
import { usedShare, type ResourceLimits } from '../../domain/limits.js';
import type { PastSession } from '../../operate/journal/past-session.js';
import { cell, shortSpan, size, wholeCell } from './format.js';
import { actorText } from './journal-text.js';
import { shortIds } from './short-ids.js';
import { columns, fittedColumns } from './table.js';
import type { Terminal } from './terminal.js';

/** With `isWide`, nothing is shortened. */
interface Shown {
  readonly now: number;
  readonly isWide: boolean;
}

const HEAD = ['SESSION', 'USER', 'ADDRESS', 'AGE', 'IDLE', 'REQS', 'RES', 'SIZE', 'USED'];
const ENDED_HEAD = ['SESSION', 'REASON', 'ENDED', 'LIVED', 'REQS', 'RES', 'SIZE', 'BY'];

type Row = (string | number)[];

/** Live sessions; `USED` is the largest share of a limit. Empty without sessions. */
export function sessionTable(
  terminal: Terminal,
  sessions: readonly SessionRecord[],
  { limits, now, isWide }: Shown & { readonly limits: ResourceLimits },
): string {
  const textOf = isWide ? wholeCell : cell;
  return tableOf(terminal, HEAD, [1, 2], isWide, sessions, (session) => [
    textOf(session.userId),
    textOf(session.ipAddress),
    shortSpan(now - session.createdAt),
    shortSpan(now - session.lastActivityAt),
    session.requestCount,
    session.resourceCount,
    size(session.bytesUsed),
    `${usedShare(session, limits)} %`,
  ]);
}

/** Sessions that are over, with what is known of their ends. Empty without sessions. */
export function endedTable(
  terminal: Terminal,
  sessions: readonly PastSession[],
  { now, isWide }: Shown,
): string {
  return tableOf(terminal, ENDED_HEAD, [7], isWide, sessions, ({ state, endReason, endedAt, end }) => [
    endReason ?? state,
    endedAt === null ? '-' : `${shortSpan(now - endedAt)} ago`,
    end ? shortSpan(end.durationMs) : '-',
    end ? String(end.requests) : '-',
    end ? String(end.resources) : '-',
    end ? size(end.bytes) : '-',
    end ? actorText(end.by) : '-',
  ]);
}

function tableOf<Session extends { readonly id: string }>(
  terminal: Terminal,
  head: readonly string[],
  flexible: readonly number[],
  isWide: boolean,
  sessions: readonly Session[],
  rowOf: (session: Session) => Row,
): string {
  if (sessions.length === 0) return '';
  const ids = sessions.map(({ id }) => id);
  const shown = isWide ? ids : shortIds(ids);
  const rows = sessions.map((session, index) => [shown[index] ?? session.id, ...rowOf(session)]);
  return isWide ? columns(terminal, head, rows) : fittedColumns(terminal, head, rows, flexible);
}
