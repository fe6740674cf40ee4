import type { SessionsCore } from '../../core/core.js';
import { isUuid } from '../../domain/ids.js';
import type { ResourceRecord } from '../../domain/resource.js';
import type { StoredName } from '../../ports/storage/file-storage.js';
import { readPastSession } from '../journal/past-session.js';

/** Whose a resource or file is. */
export interface FoundFile {
  readonly sessionId: string;
  readonly userId: string | null;
  /** `unknown`: no session that the store knows had this file. */
  readonly sessionState: 'live' | 'ending' | 'ended' | 'unknown';
  /** What the store has of it; `null` for an orphan, the folder of a session, and what an end has forgotten. */
  readonly resource: ResourceRecord | null;
  readonly resourceId: string | null;
  /** What its path tells; `null` if it was given by its id. */
  readonly name: StoredName | null;
}

/** Names of a resource: its id, or a path. `null` for a text that is neither; looks at no store. */
export function nameOfFile(
  { storage }: Pick<SessionsCore, 'storage'>,
  text: string,
): { readonly resourceId: string } | StoredName | null {
  return isUuid(text) ? { resourceId: text } : storage.identify(text);
}

/** Whose the resource with this id, or the file at this path is; `null` if the store knows nothing of an id. */
export async function findFile(
  core: SessionsCore,
  name: { readonly resourceId: string } | StoredName,
): Promise<FoundFile | null> {
  const resource = name.resourceId === null ? null : await core.store.resources.find(name.resourceId);
  const isPath = 'sessionId' in name;
  // A file in the folder of another session is not that session's.
  const isWhole = !isPath || resource?.sessionId === name.sessionId;
  const sessionId = isPath ? name.sessionId : resource?.sessionId;
  if (sessionId === undefined) return null;
  const session = await core.service.describe({ id: sessionId });
  const past = session ? null : await readPastSession(core, sessionId);
  return {
    sessionId,
    userId: session?.userId ?? null,
    sessionState: session ? 'live' : (past?.state ?? 'unknown'),
    resource: isWhole ? resource : null,
    resourceId: name.resourceId,
    name: isPath ? name : null,
  };
}
