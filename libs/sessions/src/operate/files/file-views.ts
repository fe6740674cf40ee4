import type { FoundFile } from './find-file.js';
import { resourceView } from '../views/session-views.js';

/** Whose a resource or file is. */
export function foundFileView({ sessionId, userId, sessionState, resource, resourceId, name }: FoundFile) {
  return {
    session_id: sessionId,
    session_state: sessionState,
    user_id: userId,
    resource_id: resourceId,
    state: resource?.state ?? null,
    ...(name && { file: name.kind }),
    resource: resource && resourceView(resource),
  };
}
