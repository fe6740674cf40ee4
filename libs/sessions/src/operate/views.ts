import type { SessionsConfig } from '../core/config/config.js';
import type { EndedSession } from '../core/endings/ender.js';
import type { SessionDetails } from '../core/sessions/session.service.js';
import type { ResourceRecord } from '../domain/resource.js';
import type { JobRun, StoreTotals } from '../ports/session-store.js';

/*
 * What operators see: each field is named here, so that nothing new in a record gets out by itself. Times are ISO-8601
 * in UTC, durations seconds, sizes bytes.
 */

export function sessionView(session: SessionDetails, now: number) {
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
    resources: session.resources.map(resourceView),
  };
}

export function sessionDetailView(session: SessionDetails, now: number) {
  const { resources, ...facts } = sessionView(session, now);
  return { ...facts, user_agent: session.userAgent, resources };
}

/** A session that was ended, and what other nodes still have to delete of it. */
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

export function statsView(totals: StoreTotals) {
  const ended = endedIn(totals);
  return {
    total_sessions_created: totals.created,
    total_sessions_cleaned: ended,
    active_sessions: totals.open,
    avg_session_duration: ended === 0 ? 0 : totals.endedDurationMs / ended / 1000,
    avg_resources_per_session: totals.open === 0 ? 0 : sumOf(totals, 'active') / totals.open,
  };
}

export function metricsView(totals: StoreTotals, config: SessionsConfig) {
  return {
    sessions: { active: totals.open, total_created: totals.created, total_cleaned: endedIn(totals) },
    resources: {
      active: sumOf(totals, 'active'),
      total_cleaned: sumOf(totals, 'released'),
      active_bytes: sumOf(totals, 'activeBytes'),
      total_bytes_cleaned: sumOf(totals, 'releasedBytes'),
    },
    limits: {
      max_session_duration: config.maxDurationMs / 1000,
      max_idle_time: config.maxIdleMs / 1000,
      max_resources_per_session: config.limits.maxResources,
      max_bytes_per_session: config.limits.maxBytes,
    },
  };
}

/** `run`: the latest one, in whatever process; all `null` before the first. */
export function jobView(run: JobRun | undefined, nextRunAt: number | null) {
  return {
    last_run: run ? timeOf(run.startedAt) : null,
    duration_seconds: run ? Math.round(run.durationMs) / 1000 : null,
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

function endedIn({ ended }: StoreTotals): number {
  return Object.values(ended).reduce((sum, sessions) => sum + sessions, 0);
}

function sumOf(
  { types }: StoreTotals,
  what: 'active' | 'activeBytes' | 'released' | 'releasedBytes',
): number {
  return types.reduce((sum, type) => sum + type[what], 0);
}

function timeOf(instant: number): string {
  return new Date(instant).toISOString();
}

function secondsBetween(from: number, to: number): number {
  return Math.max(0, Math.floor((to - from) / 1000));
}
