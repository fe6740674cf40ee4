import { escapeControlStart } from '../output/escape-control.js';
import { counted } from '../output/format.js';
import { columns } from '../output/table.js';
import type { Terminal } from '../output/terminal.js';
import type { Replayed } from './replayer.js';

const HEAD = ['#', 'METHOD', 'PATH', 'THEN', 'NOW', ''];
/** Room for two ids would be too much for a line of 80 characters. */
const MAX_PATH = 52;
const DIFFERENT = '≠';

/** A line for each request: status then and now. */
export function replayTable(terminal: Terminal, outcomes: readonly Replayed[]): string {
  const rows = outcomes.map(({ number, recorded, verdict, status, reason }) => [
    number,
    recorded.method,
    escapeControlStart(recorded.path, MAX_PATH),
    String(recorded.status ?? '-'),
    verdict === 'skipped' ? 'skipped' : String(status ?? '-'),
    [verdict === 'different' ? DIFFERENT : '', reason ?? ''].filter((part) => part !== '').join(' '),
  ]);
  return columns(terminal, HEAD, rows);
}

export function replayView(sessionId: string | null, target: URL, outcomes: readonly Replayed[]) {
  return {
    session_id: sessionId,
    against: target.origin,
    ...countsOf(outcomes),
    requests: outcomes.map(({ number, recorded, path, verdict, status, reason }) => ({
      number,
      method: recorded.method,
      path: recorded.path,
      sent_path: verdict === 'skipped' ? null : path,
      status_then: recorded.status,
      status_now: status,
      verdict,
      reason,
    })),
  };
}

export function countsOf(outcomes: readonly Replayed[]) {
  const of = (verdict: Replayed['verdict']): number =>
    outcomes.filter((outcome) => outcome.verdict === verdict).length;
  return { same: of('same'), different: of('different'), skipped: of('skipped') };
}

/** Counts in a sentence. */
export function replaySummary(outcomes: readonly Replayed[]): string {
  const { same, different, skipped } = countsOf(outcomes);
  const rest = skipped === 0 ? '' : `; ${skipped} skipped`;
  return `${counted(same + different, 'request')} sent: ${same} answered as then, ${different} otherwise${rest}\n`;
}
