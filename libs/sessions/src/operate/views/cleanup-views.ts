import type { CleanupReport } from '../../core/cleanup/cleanup.js';
import type { EndedSession } from '../../core/endings/ender.js';
import { secondsOf } from '../units.js';

/** The JSON answer to an operator who started a cleanup. */
export function cleanupView(reports: readonly CleanupReport[], dryRun: boolean) {
  return {
    dry_run: dryRun,
    jobs: Object.fromEntries(reports.map((report) => [report.job, reportView(report)])),
  };
}

function reportView({ items, failures, durationMs, lastError, sweep }: CleanupReport) {
  return {
    items,
    failures,
    duration_seconds: secondsOf(durationMs),
    ...(lastError !== null && { last_error: lastError }),
    ...(sweep && {
      files: sweep.files,
      foreign: sweep.foreign,
      orphans: sweep.orphans,
      deleted: sweep.deleted,
      held: sweep.held,
      trusted: sweep.trusted,
    }),
  };
}

/** An ended session, and what other nodes still have to delete. */
export function endedView({ sessionId, resources, bytes, unfinished, pending }: EndedSession) {
  return {
    session_id: sessionId,
    cleaned: unfinished === null && pending === null,
    resources_cleaned: resources,
    bytes_cleaned: bytes,
    ...(pending && {
      pending: { resources: pending.resources, bytes: pending.bytes, nodes: pending.nodes },
    }),
  };
}
