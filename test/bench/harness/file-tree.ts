import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlainTokens } from '../../../libs/sessions/dist/core/tokens/plain-tokens.js';
import type { SessionStore } from 'nest-sessions/store';

const HOUR = 3_600_000;
const LIMITS = {
  maxResources: 100_000,
  maxBytes: Number.MAX_SAFE_INTEGER,
  maxStreams: 1,
  onLimit: 'evict',
} as const;

/** One session with files, as if they had been uploaded: their records in the store, and the files in the storage. */
export async function addSessionWithFiles(
  store: SessionStore,
  nodeId: string,
  root: string,
  files: number,
  bytes: number,
): Promise<string> {
  const id = randomUUID();
  const createdAt = Date.now();
  const tokenHash = new PlainTokens().createFor(id).hash;
  const times = { createdAt, expiresAt: createdAt + HOUR, idleMs: HOUR };
  await store.sessions.open(
    { id, tokenHash, ipAddress: '127.0.0.1', userAgent: 'bench', ...times },
    { maxSessions: 10_000_000, network: null },
  );
  await store.sessions.touch([{ sessionId: id, at: createdAt, requests: 1 }]);
  const folder = folderOf(root, id);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const content = Buffer.alloc(bytes, 1);
  await Promise.all(
    Array.from({ length: files }, async () => {
      const resourceId = randomUUID();
      await addRecord(store, nodeId, id, resourceId, bytes, createdAt);
      writeFileSync(join(folder, nameOf(resourceId)), content, { mode: 0o600 });
    }),
  );
  return id;
}

async function addRecord(
  store: SessionStore,
  nodeId: string,
  sessionId: string,
  id: string,
  bytes: number,
  at: number,
): Promise<void> {
  const resource = {
    id,
    sessionId,
    type: 'audio_file',
    purpose: 'transcription',
    fileName: 'phrase.webm',
    mediaType: 'audio/webm',
    sizeBytes: bytes,
    createdAt: at,
    processId: randomUUID(),
    nodeId,
  };
  // Asked for in one turn, they are one transaction.
  await Promise.all([
    store.resources.reserve(resource, null, LIMITS),
    store.resources.complete(id, null, { sizeBytes: bytes, mediaType: null, at }),
    store.resources.place({
      sessionId,
      authority: null,
      resourceIds: [id],
      candidates: [],
      limits: LIMITS,
      overdraw: false,
      at,
      lease: { processId: resource.processId, nodeId, until: at },
    }),
  ]);
}

/** Where the local storage keeps the files of a session. */
function folderOf(root: string, sessionId: string): string {
  const name = nameOf(sessionId);
  return join(root, 's', name.slice(0, 2), name);
}

function nameOf(id: string): string {
  return id.replaceAll('-', '');
}
