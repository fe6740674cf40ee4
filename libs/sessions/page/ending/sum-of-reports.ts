import type { BulkReport } from '../server/answers.js';

/** What two requests of one deed did. */
export function sumOfReports(one: BulkReport, other: BulkReport): BulkReport {
  const unlisted = (one.failed_unlisted ?? 0) + (other.failed_unlisted ?? 0);
  const pending = sumOfPending(one.pending, other.pending);
  return {
    matched: one.matched + other.matched,
    cleaned: one.cleaned + other.cleaned,
    failed: [...one.failed, ...other.failed],
    resources: one.resources + other.resources,
    bytes: one.bytes + other.bytes,
    as_of: one.as_of,
    ...(unlisted > 0 && { failed_unlisted: unlisted }),
    ...(pending && { pending }),
    ...(other.stopped && { stopped: true }),
  };
}

function sumOfPending(one: BulkReport['pending'], other: BulkReport['pending']): BulkReport['pending'] {
  if (!one || !other) return one ?? other;
  return {
    resources: one.resources + other.resources,
    bytes: one.bytes + other.bytes,
    nodes: [...new Set([...one.nodes, ...other.nodes])],
  };
}
