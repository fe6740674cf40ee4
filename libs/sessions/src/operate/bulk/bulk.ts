import type { SessionsCore } from '../../core/core.js';
import type { OperatorDeeds } from '../journal/operator-deeds.js';
import type { BulkOptions, BulkReport, BulkTarget } from './bulk-report.js';

/** What `runBulk` would end now. Changes nothing. */
export async function planBulk(
  _core: SessionsCore,
  _target: BulkTarget,
  _options: Pick<BulkOptions, 'asOf'> = {},
): Promise<BulkReport> {
  throw new Error('Not built yet');
}

/** Ends all sessions of the target, a few at a time. */
export async function runBulk(
  _core: SessionsCore,
  _deeds: OperatorDeeds,
  _target: BulkTarget,
  _options: BulkOptions = {},
): Promise<BulkReport> {
  throw new Error('Not built yet');
}
