import type { UserUsage } from '../../ports/store/session-store.js';
import type { UserPage, UserQuota } from '../lists/user-page.js';

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
