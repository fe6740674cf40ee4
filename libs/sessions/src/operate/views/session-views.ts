import type { SessionDetails } from '../../core/sessions/session-details.js';
import type { ResourceLimits } from '../../domain/limits.js';
import type { ResourceRecord } from '../../domain/resource.js';
import { listJson, type JsonFormat } from '../lists/list-json.js';
import type { PageEnd, SessionPage } from '../lists/session-page.js';
import { secondsBetween, timeOf } from '../units.js';
import { statsView } from './overview-views.js';

/*
 * In this folder: what operators see. Each field is named, so that a new field of a record is not published by accident. Times
 * are ISO 8601 in UTC, durations are in seconds, sizes in bytes.
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

/** One session: with when it ends unless its client comes back, and what it uses of this process's limits. */
export function sessionDetailView(session: SessionDetails, limits: ResourceLimits, now: number) {
  const { resources, ...facts } = sessionView(session, now);
  const { userAgent, expiresAt, idleEndsAt, resourceCount, streamCount, bytesUsed } = session;
  return {
    ...facts,
    user_agent: userAgent,
    expires_at: timeOf(expiresAt),
    idle_expires_at: timeOf(Math.min(idleEndsAt, expiresAt)),
    limits: {
      files: limitView(resourceCount - streamCount, limits.maxResources),
      bytes: limitView(bytesUsed, limits.maxBytes),
      streams: limitView(streamCount, limits.maxStreams),
    },
    resources,
  };
}

function limitView(used: number, max: number) {
  return { used, max, used_percent: Math.floor((used * 100) / max) };
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
