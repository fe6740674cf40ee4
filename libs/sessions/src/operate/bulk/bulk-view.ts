import { timeOf } from '../units.js';
import type { BulkReport } from './bulk-report.js';

/** The answer to a bulk deed, and to its dry run: which one it is tells `dry_run`. */
export function bulkView(report: BulkReport, dryRun: boolean) {
  const { matched, sessionIds, cleaned, failed, failures, resources, bytes, asOf, pending, isStopped } =
    report;
  const unlisted = failures - failed.length;
  return {
    dry_run: dryRun,
    matched,
    ...(dryRun && { session_ids: sessionIds }),
    cleaned,
    failed: failed.map(({ sessionId, code }) => ({ session_id: sessionId, code })),
    ...(unlisted > 0 && { failed_unlisted: unlisted }),
    resources,
    bytes,
    as_of: timeOf(asOf),
    ...(isStopped && { stopped: true }),
    ...(pending && {
      pending: { resources: pending.resources, bytes: pending.bytes, nodes: pending.nodes },
    }),
  };
}
