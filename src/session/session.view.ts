import type { ResourceRecord, SessionDetails, SessionsConfig } from 'nest-sessions';

/** A session as its own client sees it: snake_case, times in ISO 8601, sizes in bytes. */
export function viewOf(
  session: SessionDetails,
  { maxResources, maxBytes }: SessionsConfig['limits'],
  canLogIn: boolean,
) {
  return {
    session_id: session.id,
    user_id: session.userId,
    can_log_in: canLogIn,
    created_at: iso(session.createdAt),
    expires_at: iso(session.expiresAt),
    idle_expires_at: iso(session.idleEndsAt),
    request_count: session.requestCount,
    resource_count: session.resourceCount,
    total_bytes_used: session.bytesUsed,
    limits: { max_resources_per_session: maxResources, max_bytes_per_session: maxBytes },
    resources: session.resources.map(resourceViewOf),
  };
}

function resourceViewOf(resource: ResourceRecord) {
  return {
    resource_id: resource.id,
    type: resource.type,
    purpose: resource.purpose,
    file_name: resource.fileName,
    media_type: resource.mediaType,
    size_bytes: resource.sizeBytes,
    created_at: iso(resource.createdAt),
    last_used_at: iso(resource.lastUsedAt),
  };
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
