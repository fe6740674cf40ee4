import type { SessionsCore } from '../../core/core.js';
import type { SessionDetails } from '../../core/sessions/session-details.js';
import type { ResourceRecord } from '../../domain/resource.js';
import { percentOf, usedShare, type ResourceLimits } from '../../domain/limits.js';
import { pastSessionView } from '../journal/journal-views.js';
import { readEndedPage, type EndedPage } from '../journal/ended-page.js';
import { listJson, type JsonFormat } from '../lists/list-json.js';
import type { SessionListQuery } from '../lists/session-list.query.js';
import { SessionPage, type PageEnd } from '../lists/session-page.js';
import { secondsBetween, timeOf } from '../units.js';
import { statsView } from './overview-views.js';

/*
 * In this folder: what operators see. Each field is named, so that a new field of a record is not published by accident. Times
 * are ISO 8601 in UTC, durations are in seconds, sizes in bytes.
 */

function sessionView(session: SessionDetails, limits: ResourceLimits, now: number) {
  return {
    session_id: session.id,
    user_id: session.userId,
    ip_address: session.ipAddress,
    created_at: timeOf(session.createdAt),
    last_activity: timeOf(session.lastActivityAt),
    expires_at: timeOf(session.expiresAt),
    // What comes first ends it.
    idle_expires_at: timeOf(Math.min(session.idleEndsAt, session.expiresAt)),
    duration_seconds: secondsBetween(session.createdAt, now),
    idle_seconds: secondsBetween(session.lastActivityAt, now),
    request_count: session.requestCount,
    resource_count: session.resourceCount,
    total_bytes_used: session.bytesUsed,
    share_of_limit: usedShare(session, limits),
    incoming: { resources: session.incomingCount, bytes: session.incomingBytes },
    resources: session.resources.map(resourceView),
  };
}

/** `limits`: those that the session is held to. */
export function sessionDetailView(session: SessionDetails, limits: ResourceLimits, now: number) {
  const { resources, ...facts } = sessionView(session, limits, now);
  return { ...facts, user_agent: session.userAgent, limits: limitsView(session, limits), resources };
}

function limitsView(session: SessionDetails, limits: ResourceLimits) {
  const { resourceCount, streamCount, bytesUsed } = session;
  return {
    files: limitView(resourceCount - streamCount, limits.maxResources),
    bytes: limitView(bytesUsed, limits.maxBytes),
    streams: limitView(streamCount, limits.maxStreams),
  };
}

function limitView(used: number, max: number) {
  return { used, max, used_percent: percentOf(used, max) };
}

/** JSON of the page that was asked for, in pieces. Rejects if the store does not answer; the pieces may reject later. */
export async function sessionListJson(
  core: SessionsCore,
  query: SessionListQuery,
  format?: JsonFormat,
): Promise<AsyncGenerator<string, void, void>> {
  if (query.state === 'live') return pageJson(await SessionPage.open(core, query), format);
  return endedPageJson(await readEndedPage(core, query), format);
}

/** JSON of a page, in pieces. */
export function pageJson(page: SessionPage, format?: JsonFormat): AsyncGenerator<string, void, void> {
  return listJson('sessions', sessionViews(page), async () => pageEndView(await page.end()), format);
}

export function endedPageJson(page: EndedPage, format?: JsonFormat): AsyncGenerator<string, void, void> {
  return listJson('sessions', pastViewsOf(page), async () => pageEndView(page), format);
}

/** The sessions of a page, a few at a time. */
export async function* sessionViews(page: SessionPage) {
  for await (const slice of page.slices()) {
    yield slice.map((session) => {
      const { resources, ...facts } = sessionView(session, page.limits, page.now);
      return page.query.resources === 'none' ? facts : { ...facts, resources };
    });
  }
}

async function* pastViewsOf({ sessions }: EndedPage) {
  yield sessions.map(pastSessionView);
}

function pageEndView({ totals, nextCursor }: PageEnd) {
  return { stats: statsView(totals), ...(nextCursor !== null && { next_cursor: nextCursor }) };
}

export function resourceView(resource: ResourceRecord) {
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
