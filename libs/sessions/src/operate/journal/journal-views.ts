import type { Forgotten } from '../../core/journal/forgetting.js';
import type { Actor } from '../../domain/journal/actor.js';
import type { AuditEntry, WrongTokens } from '../../domain/journal/audit-entry.js';
import type { JournalEntry } from '../../domain/journal/entry.js';
import { secondsBetween, secondsOf, timeOf } from '../units.js';
import type { AuditListing } from './audit-page.js';
import type { PastSession } from './past-session.js';
import type { Timeline } from './timeline.js';

/** A session that is over: what is known of its end. `null` for what no timeline tells. */
export function pastSessionView({ id, state, createdAt, endedAt, endReason, end }: PastSession) {
  return {
    session_id: id,
    state,
    created_at: timeOf(createdAt),
    ended_at: endedAt === null ? null : timeOf(endedAt),
    end_reason: endReason,
    ended_by: end && actorView(end.by),
    duration_seconds: end && secondsBetween(0, end.durationMs),
    request_count: end?.requests ?? null,
    resource_count: end?.resources ?? null,
    total_bytes_used: end?.bytes ?? null,
  };
}

export function timelineView({ sessionId, state, entries, nextCursor }: Timeline) {
  return {
    session_id: sessionId,
    state,
    entries: entries.map(entryView),
    ...(nextCursor !== null && { next_cursor: nextCursor }),
  };
}

export function auditView({ entries, wrongTokens, nextCursor }: AuditListing) {
  return {
    entries: entries.map(auditEntryView),
    ...(wrongTokens && { wrong_tokens: wrongTokens.map(wrongTokensView) }),
    ...(nextCursor !== null && { next_cursor: nextCursor }),
  };
}

export function forgottenUserView({ sessions, timelines, pending }: Forgotten) {
  return {
    forgotten: true,
    sessions_ended: sessions,
    timelines_erased: timelines,
    ...(pending && { pending: { ...pending } }),
  };
}

function auditEntryView({ at, by, deed, subject, outcome, sessions, resources, bytes }: AuditEntry) {
  return { at: timeOf(at), deed, by: actorView(by), subject, outcome, sessions, resources, bytes };
}

function wrongTokensView({ network, minuteAt, count }: WrongTokens) {
  return { network, minute: timeOf(minuteAt), count };
}

/** `by` is `null` where an entry does not name anybody. */
function entryView(entry: JournalEntry) {
  const { at, kind } = entry;
  const by = 'by' in entry ? actorView(entry.by) : null;
  return { at: timeOf(at), kind, by, ...factsOf(entry) };
}

function factsOf(entry: JournalEntry) {
  switch (entry.kind) {
    case 'opened':
    case 'regenerated':
      return {};
    case 'login':
      return { user_hash: entry.userHash };
    case 'ended':
      return {
        reason: entry.reason,
        duration_seconds: secondsBetween(0, entry.durationMs),
        request_count: entry.requests,
        resource_count: entry.resources,
        total_bytes_used: entry.bytes,
      };
    case 'evicted':
    case 'placed':
      return { resource_id: entry.resourceId, type: entry.type, size_bytes: entry.sizeBytes };
    case 'upload':
    case 'download':
    case 'stream':
      return {
        resource_id: entry.resourceId,
        bytes: entry.bytes,
        duration_seconds: secondsOf(entry.durationMs),
        outcome: entry.outcome,
      };
    case 'refused':
      return {
        reason: entry.reason,
        size_bytes: entry.sizeBytes,
        limit_bytes: entry.limitBytes,
        quota: entry.quota,
      };
    case 'mismatch':
      return { property: entry.property };
    case 'request':
      return {
        method: entry.method,
        route: entry.route,
        path: entry.path,
        ...(entry.params !== undefined && { params: entry.params }),
        status: entry.status,
        duration_seconds: secondsOf(entry.durationMs),
        received_bytes: entry.receivedBytes,
        sent_bytes: entry.sentBytes,
        request_type: entry.requestType,
        response_type: entry.responseType,
      };
  }
}

function actorView(actor: Actor) {
  switch (actor.kind) {
    case 'client':
    case 'app':
      return { kind: actor.kind };
    case 'job':
      return { kind: actor.kind, job: actor.job, host: actor.host, pid: actor.pid };
    case 'limit':
      return { kind: actor.kind, option: actor.option };
    case 'admin':
      return { kind: actor.kind, key_id: actor.keyId };
    case 'cli':
      return { kind: actor.kind, user: actor.user, host: actor.host };
  }
}
