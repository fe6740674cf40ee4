import type { EndedSession } from '../../core/endings/ender.js';
import { sumOfPending, type PendingFiles } from '../../core/endings/peer-wait.js';
import { SessionsError, type ErrorCode } from '../../domain/errors.js';
import type { SessionRecord } from '../../domain/session.js';
import type { Released } from '../../ports/store/session-store.js';
import type { DeedResult } from '../journal/operator-deeds.js';
import { MOST_FAILURES, type BulkFailure, type BulkReport } from './bulk-report.js';

/** Adds up what a bulk deed matches, does and fails at. */
export class BulkTally {
  private readonly failed: BulkFailure[] = [];
  private readonly sessionIds: string[] = [];
  private matched = 0;
  private cleaned = 0;
  private failures = 0;
  private gone = 0;
  private resources = 0;
  private bytes = 0;
  private pending: PendingFiles | null = null;
  private isStopped = false;

  constructor(private readonly asOf: number) {}

  get report(): BulkReport {
    const { matched, cleaned, failures, resources, bytes, asOf, pending, isStopped } = this;
    const [sessionIds, failed] = [[...this.sessionIds], [...this.failed]];
    return { matched, sessionIds, cleaned, failed, failures, resources, bytes, asOf, pending, isStopped };
  }

  /** For the audit. What is over already does not make a deed fail. */
  get result(): DeedResult {
    const figures = { sessions: this.cleaned, resources: this.resources, bytes: this.bytes };
    if (this.isStopped || this.failures > this.gone) return { ...figures, outcome: 'failed' };
    return { ...figures, outcome: this.cleaned === 0 ? 'nothing' : 'done' };
  }

  /** More sessions failed than are worth trying: not counting those that are over. */
  get hasFailedTooOften(): boolean {
    return this.failures - this.gone >= MOST_FAILURES;
  }

  match(sessions = 1): void {
    this.matched += sessions;
  }

  /** A matching session, for a dry run. */
  see({ id, resourceCount: resources, bytesUsed: bytes }: SessionRecord): void {
    this.match();
    this.sessionIds.push(id);
    this.hold({ resources, bytes });
  }

  private hold({ resources, bytes }: Released): void {
    this.resources += resources;
    this.bytes += bytes;
  }

  stop(): void {
    this.isStopped = true;
  }

  end({ sessionId, unfinished, pending, ...released }: EndedSession): void {
    if (unfinished) return this.fail(sessionId, unfinished);
    this.cleaned += 1;
    this.hold(released);
    this.pending = sumOfPending(this.pending, pending);
  }

  fail(sessionId: string, error: unknown): void {
    this.list(sessionId, error instanceof SessionsError ? error.code : 'STORE_UNAVAILABLE');
  }

  /** No live session has this id. */
  miss(sessionId: string): void {
    this.gone += 1;
    this.list(sessionId, 'SESSION_GONE');
  }

  private list(sessionId: string, code: ErrorCode): void {
    this.failures += 1;
    if (this.failed.length < MOST_FAILURES) this.failed.push({ sessionId, code });
  }
}
