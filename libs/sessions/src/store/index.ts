/** For authors of stores and storages: the ports, and what of the domain they work with. Apps need none of it. */
export { hasCode, SessionsError, type ErrorCode, type SessionsErrorOptions } from '../domain/errors.js';
export {
  brokenQuota,
  countedOf,
  NO_BUDGETS,
  NO_USAGE,
  QUOTAS,
  type BudgetLimits,
  type Held,
  type Quota,
  type Usage,
} from '../domain/budgets.js';
export type { CleanupJob } from '../domain/events.js';
export { isOperator, type Actor, type Operator } from '../domain/journal/actor.js';
export {
  AUDIT_DEEDS,
  AUDIT_MAX_BYTES,
  AUDIT_MS,
  MOST_WRONG_TOKENS,
  type AuditDeed,
  type AuditEntry,
  type AuditOutcome,
  type WrongTokens,
} from '../domain/journal/audit-entry.js';
export {
  classOf,
  ENTRY_OVERHEAD_BYTES,
  MOST_DEEDS,
  MOST_MARKS,
  MOST_REQUESTS,
  type EntryClass,
  type JournalEntry,
} from '../domain/journal/entry.js';
export {
  evictionRank,
  idleEndsAt,
  isDisposable,
  isProvisional,
  meetsEndCondition,
  whyOver,
  type EndCondition,
  type EvictionRank,
} from '../domain/lifetime.js';
export { evictionOrder, isStillEvictable, victimsFor, type Candidate } from '../domain/eviction.js';
export {
  admitsFile,
  admitsStream,
  fits,
  type Accounts,
  type Amount,
  type ResourceLimits,
} from '../domain/limits.js';
export {
  countRate,
  emptyAt,
  type RateCount,
  type RateEvent,
  type RateState,
} from '../domain/rates/rate-count.js';
export { countEvent, type RateAnswer, type RateRing } from '../domain/rates/rate-ring.js';
export { packedIds, packIds } from '../domain/ids.js';
export {
  accountOf,
  isEvictable,
  isReadable,
  STREAM_TYPE,
  type Account,
  type NewResource,
  type ResourceRecord,
  type ResourceState,
} from '../domain/resource.js';
export {
  authorityOf,
  END_REASONS,
  isStale,
  MOST_REPLACED,
  REPLACED_MS,
  type Authority,
  type EndReason,
  type NewSession,
  type SessionRecord,
  type SessionState,
} from '../domain/session.js';
export {
  durationBucket,
  isPeak,
  TREND_SPANS,
  trendStart,
  type TrendCounts,
  type TrendPoint,
  type TrendSpan,
} from '../domain/trends/trend.js';
export * from '../ports/clock.js';
export * from '../ports/storage/file-storage.js';
export * from '../ports/storage/ways-out.js';
export * from '../ports/store/session-store.js';
export * from '../ports/storage/storage-root.js';
export * from '../ports/store/store-groups.js';
export { WrappedStore } from '../ports/store/wrapped-store.js';
