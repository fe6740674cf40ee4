import type { CleanupReport } from '../core/cleanup/cleanup.js';
import type { EndedSession } from '../core/endings/ender.js';
import type { ClockStatus } from '../core/process/clock-trust.js';
import type { NodeState } from '../core/process/nodes.js';
import type { ProcessState } from '../core/process/this-process.js';
import type { SessionDetails } from '../core/sessions/session-details.js';
import type { ResourceRecord } from '../domain/resource.js';
import type { Released, StoreTotals, UserUsage } from '../ports/store/session-store.js';
import { averageDurationMs, endedSessions, sumOfTypes } from './figures.js';
import { listJson, type JsonFormat } from './lists/list-json.js';
import type { JobState, Overview } from './overview.js';
import type { PageEnd, SessionPage } from './lists/session-page.js';
import { secondsBetween, secondsOf, timeOf } from './units.js';
import type { UserPage, UserQuota } from './lists/user-page.js';

/*
 * What operators see. Each field is named here, so that a new field of a record is not published by accident. Times are
 * ISO 8601 in UTC, durations are in seconds, sizes in bytes.
 */

function sessionView(session: SessionDetails, now: number) {
  return {
    session_id: session.id,
    user_id: session.userId,
    ip_address: session.ipAddress,
    created_at: timeOf(session.createdAt),
    last_activity: timeOf(session.lastActivityAt),
    duration_seconds: secondsBetween(session.createdAt, now),
    idle_seconds: secondsBetween(session.lastActivityAt, now),
    request_count: session.requestCount,
    resource_count: session.resourceCount,
    total_bytes_used: session.bytesUsed,
    incoming: { resources: session.incomingCount, bytes: session.incomingBytes },
    resources: session.resources.map(resourceView),
  };
}

export function sessionDetailView(session: SessionDetails, now: number) {
  const { resources, ...facts } = sessionView(session, now);
  return { ...facts, user_agent: session.userAgent, resources };
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

/** JSON of a page, in pieces. */
export function pageJson(page: SessionPage, format?: JsonFormat): AsyncGenerator<string, void, void> {
  return listJson('sessions', viewsOf(page), async () => pageEndView(await page.end()), format);
}

async function* viewsOf(page: SessionPage) {
  for await (const slice of page.slices()) yield slice.map((session) => sessionView(session, page.now));
}

function pageEndView({ totals, nextCursor }: PageEnd) {
  return { stats: statsView(totals), ...(nextCursor !== null && { next_cursor: nextCursor }) };
}

export function userPageView({ users, nextCursor }: UserPage, quota: UserQuota) {
  return {
    users: users.map((user) => userView(user, quota)),
    ...(nextCursor !== null && { next_cursor: nextCursor }),
  };
}

export function userView({ userId, sessions, resources, bytes }: UserUsage, quota: UserQuota) {
  return {
    user_id: userId,
    sessions,
    resources,
    bytes,
    quota: {
      max_sessions: quota.maxSessions,
      max_resources: quota.maxResources,
      max_bytes: quota.maxBytes,
    },
  };
}

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

export function nodeView(node: NodeState) {
  return {
    node_id: node.nodeId,
    state: nodeState(node),
    last_seen: timeOf(node.lastSeenAt),
    resources: node.resources,
    address: node.address,
  };
}

export function nodeState({ isHere, isLive }: NodeState): 'here' | 'live' | 'away' {
  if (isHere) return 'here';
  return isLive ? 'live' : 'away';
}

export function forgottenView(nodeId: string, { resources, bytes }: Released) {
  return { node_id: nodeId, forgotten: true, resources, bytes };
}

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

function resourceView(resource: ResourceRecord) {
  return {
    resource_id: resource.id,
    type: resource.type,
    purpose: resource.purpose,
    file_name: resource.fileName,
    media_type: resource.mediaType,
    size_bytes: resource.sizeBytes,
    created_at: timeOf(resource.createdAt),
    last_used_at: timeOf(resource.lastUsedAt),
  };
}
