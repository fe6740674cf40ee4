import type { ClockStatus } from '../../core/process/clock-trust.js';
import type { ProcessState } from '../../core/process/this-process.js';
import type { StoreTotals } from '../../ports/store/session-store.js';
import { averageDurationMs, endedSessions, sumOfTypes } from '../figures.js';
import type { JobState, Overview } from '../overview.js';
import { secondsOf, timeOf } from '../units.js';

export function statsView(totals: StoreTotals) {
  return {
    total_sessions_created: totals.created,
    total_sessions_cleaned: endedSessions(totals),
    active_sessions: totals.open,
    avg_session_duration: averageDurationMs(totals) / 1000,
    avg_resources_per_session: totals.open === 0 ? 0 : sumOfTypes(totals, 'active') / totals.open,
  };
}

export function overviewView({ totals, limits, jobs }: Overview) {
  return {
    sessions: { active: totals.open, total_created: totals.created, total_cleaned: endedSessions(totals) },
    resources: {
      active: sumOfTypes(totals, 'active'),
      total_cleaned: sumOfTypes(totals, 'released'),
      active_bytes: sumOfTypes(totals, 'activeBytes'),
      total_bytes_cleaned: sumOfTypes(totals, 'releasedBytes'),
    },
    limits: {
      max_session_duration: limits.maxDurationMs / 1000,
      max_idle_time: limits.maxIdleMs / 1000,
      max_resources_per_session: limits.maxResources,
      max_bytes_per_session: limits.maxBytes,
    },
    cleanup: Object.fromEntries(jobs.map((state) => [state.job, jobView(state)])),
  };
}

function jobView({ run, nextRunAt }: JobState) {
  return {
    last_run: run && timeOf(run.startedAt),
    duration_seconds: run && secondsOf(run.durationMs),
    items: run?.items ?? null,
    failures: run?.failures ?? null,
    next_run: nextRunAt === null ? null : timeOf(nextRunAt),
    ...(run?.lastError && { last_error: run.lastError }),
  };
}

export function processView({ processId, role, isLive, at }: ProcessState) {
  return { process_id: processId, role, alive: isLive, last_heard: timeOf(at) };
}

export function clockView({ verdict, now, systemTime, doubtedUntil }: ClockStatus) {
  return {
    state: verdict,
    store_time: timeOf(now),
    system_time: timeOf(systemTime),
    doubted_until: doubtedUntil === null ? null : timeOf(doubtedUntil),
  };
}
