/* oxlint-disable no-await-in-loop -- the order matters */
// A process (node --expose-gc) that reads one list again and again, four at a time. Prints how many bytes of them a collection
// of the young generation leaves.
import { createHash, randomUUID } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import { SqliteSessionStore } from '../../../libs/sessions/dist/stores/sqlite/sqlite-session-store.js';

const RESOURCES = 100;
const ROUNDS = 500;
const NOW = 1_800_000_000_000;
const LIMITS = { maxResources: RESOURCES, maxBytes: RESOURCES, maxStreams: 1, onLimit: 'reject' };

const store = new SqliteSessionStore({ path: process.argv[2] });
await store.connect();
const sessionId = randomUUID();
const tokenHash = createHash('sha256').update(sessionId).digest('base64url');
const client = { ipAddress: '203.0.113.7', userAgent: 'a process of its own' };
const times = { createdAt: NOW, expiresAt: NOW + 3_600_000, idleMs: 900_000 };
await store.sessions.open(
  { id: sessionId, tokenHash, ...client, ...times },
  { maxSessions: 1, network: null },
);
for (let added = 0; added < RESOURCES; added += 1) {
  const names = { type: 'audio_file', purpose: null, fileName: `phrase ${added}.webm`, mediaType: null };
  const owners = { sessionId, processId: randomUUID(), nodeId: randomUUID() };
  const resource = { id: randomUUID(), ...names, ...owners, sizeBytes: 0, createdAt: NOW };
  await store.resources.reserve(resource, null, LIMITS);
}

// Whatever lives now belongs to the old generation.
globalThis.gc();
const before = getHeapStatistics().used_heap_size;
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { length } = await store.resources.list([sessionId]);
      if (length !== RESOURCES) throw new Error(`${length} resources`);
    }
  }),
);
globalThis.gc({ type: 'minor' });
globalThis.gc({ type: 'minor' });
process.stdout.write(String(getHeapStatistics().used_heap_size - before));
await store.close();
