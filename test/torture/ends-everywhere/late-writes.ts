import { randomUUID } from 'node:crypto';
import { inBucketOf } from '#sessions/domain/bucket';
import { authorityOf } from '#sessions/domain/session';
import type { ResourceRecord } from '#sessions/domain/resource';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { LIMITS, placement, tokenHash } from '#sessions/testing/store/store.fixtures';

/** Tries every write that a process could be about to make, which has not heard of the end yet; those that land. */
export async function writesThatLand(
  store: SessionStore,
  sessionId: string,
  resources: readonly ResourceRecord[],
): Promise<string[]> {
  const before = await store.sessions.find(sessionId);
  if (!before) return [];
  const { lastActivityAt, requestCount } = before;
  const authority = authorityOf(before.tokenHash);
  const token = { tokenHash: tokenHash(sessionId), at: lastActivityAt };
  const processId = randomUUID();
  const resource = {
    id: inBucketOf(sessionId, randomUUID()),
    sessionId,
    type: 'audio_file',
    purpose: null,
    fileName: null,
    mediaType: null,
    sizeBytes: 0,
    createdAt: lastActivityAt,
    processId,
    nodeId: randomUUID(),
  };
  const landed = await Promise.all([
    store.sessions
      .login(sessionId, authority, { ...token, userId: 'late' })
      .then((answer) => answer !== 'gone' && 'login'),
    store.sessions
      .regenerate(sessionId, authority, token)
      .then((answer) => answer !== 'gone' && 'regenerate'),
    store.resources.reserve(resource, null, LIMITS).then((answer) => answer !== 'gone' && 'reserve'),
    ...resources.flatMap(({ id }) => [
      store.resources.grow(id, null, 1, LIMITS).then((answer) => answer !== 'gone' && 'grow'),
      store.resources
        .complete(id, null, { sizeBytes: 0, mediaType: null, at: lastActivityAt })
        .then((answer) => answer !== 'gone' && 'complete'),
      store.resources
        .place(placement(sessionId, [{ id }], { overdraw: true }))
        .then((answer) => answer !== 'gone' && 'place'),
      store.resources.use(id, null, processId, lastActivityAt).then((answer) => answer !== null && 'use'),
    ]),
    store.sessions
      .touch([{ sessionId, at: lastActivityAt + 60_000, requests: 1 }])
      .then(() => false as const),
  ]);
  const after = await store.sessions.find(sessionId);
  const isTouched = after?.lastActivityAt !== lastActivityAt || after.requestCount !== requestCount;
  return [...landed, isTouched && 'touch'].filter((write) => write !== false);
}
