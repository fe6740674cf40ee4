import type { ClockStatus } from '../../core/clock/clock-trust.js';
import type { ProcessState } from '../../core/process/this-process.js';
import type { DiskSpace, ProcessLimits, StoreTotals } from '../../ports/store/session-store.js';
import { averageDurationMs, endedSessions, sumOfTypes } from '../figures.js';
import type { FleetOverview, JobState, Overview, StuckItem } from '../overview.js';
import { limitsInUse } from '../server-limits.js';
import { secondsOf, timeOf } from '../units.js';
import { nodeView } from './node-views.js';

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
    limits: sessionLimitsView(limits),
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

/** The overview as commands print it: the limits are those of the running servers. */
export function statsOverviewView(overview: Overview) {
  const { totals, processes, clock, alerts, stuck } = overview;
  const { from, limits, differing } = limitsInUse(overview);
  return {
    ...overviewView(overview),
    limits: limitsView(limits),
    limits_from: from,
    limits_differ: differing.size > 0,
    stats: statsView(totals),
    alerts: alerts.map(({ alert, message }) => ({ name: alert, message })),
    stuck: stuck.map(stuckView),
    processes: processes.map(processView),
    clock: clockView(clock),
  };
}

/** The overview of a page for operators. */
export function fleetOverviewView(overview: FleetOverview) {
  return {
    ...statsOverviewView(overview),
    due: { idle: overview.due.idle, expired: overview.due.expired },
    nodes: overview.nodes.map(nodeView),
  };
}

function sessionLimitsView(limits: ProcessLimits) {
  return {
    max_session_duration: limits.maxDurationMs / 1000,
    max_idle_time: limits.maxIdleMs / 1000,
    max_resources_per_session: limits.maxResources,
    max_bytes_per_session: limits.maxBytes,
  };
}

function limitsView(limits: ProcessLimits) {
  return {
    ...sessionLimitsView(limits),
    max_sessions: limits.maxSessions,
    cleanup_interval: limits.cleanupIntervalMs / 1000,
  };
}

export function processView(process: ProcessState) {
  return {
    process_id: process.processId,
    role: process.role,
    alive: process.isLive,
    last_heard: timeOf(process.at),
    host: process.host,
    pid: process.pid,
    version: process.version,
    started_at: timeOf(process.startedAt),
    node_id: process.nodeId,
    address: process.address,
    limits: limitsView(process.limits),
    disk: process.disk && diskView(process.disk),
  };
}

function diskView({ freeBytes, totalBytes, freeInodes }: DiskSpace) {
  return { free_bytes: freeBytes, total_bytes: totalBytes, free_inodes: freeInodes };
}

function stuckView({ nodeId, item, tries, retryAt }: StuckItem) {
  return { node_id: nodeId, item, attempts: tries, next_try: timeOf(retryAt) };
}

export function clockView({ verdict, now, systemTime, doubtedUntil }: ClockStatus) {
  return {
    state: verdict,
    store_time: timeOf(now),
    system_time: timeOf(systemTime),
    doubted_until: doubtedUntil === null ? null : timeOf(doubtedUntil),
  };
}
