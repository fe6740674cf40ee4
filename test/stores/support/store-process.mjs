/* oxlint-disable no-await-in-loop -- the order matters */
// A process on one store. Prints a line for each acknowledged write.
import { createHash, randomUUID } from 'node:crypto';
import { SqliteSessionStore } from '../../../libs/sessions/dist/stores/sqlite/sqlite-session-store.js';

const [task, path, ...rest] = process.argv.slice(2);
const store = new SqliteSessionStore({ path });

const NOW = 1_800_000_000_000;
const MANY = { maxSessions: 1_000_000, network: null };
const newSession = () => ({
  id: randomUUID(),
  tokenHash: createHash('sha256').update(randomUUID()).digest('base64url'),
  ipAddress: '203.0.113.7',
  userAgent: 'a process of its own',
  createdAt: NOW,
  expiresAt: NOW + 3_600_000,
  idleMs: 900_000,
});
const newResource = (sessionId) => ({
  id: randomUUID(),
  sessionId,
  type: 'audio_file',
  purpose: null,
  fileName: null,
  mediaType: null,
  sizeBytes: 0,
  createdAt: NOW,
  processId: randomUUID(),
  nodeId: randomUUID(),
});

const limitsOf = (maxResources) => ({ maxResources, maxBytes: 1, maxStreams: 1, onLimit: 'evict' });

/** Opens sessions with a file each, one after the other. */
async function openOnAndOn() {
  for (;;) {
    const session = newSession();
    await store.sessions.open(session, MANY);
    const resource = newResource(session.id);
    await store.resources.reserve(resource, null, limitsOf(1));
    console.log(`${session.id} ${resource.id}`);
  }
}

const tasks = {
  /** Opens one session, and exits without closing the store. */
  async open() {
    const session = newSession();
    await store.sessions.open(session, MANY);
    console.log(session.id);
  },

  /** Closes the store during a call. */
  async close() {
    const opening = store.sessions.open(newSession(), MANY);
    await store.close();
    console.log(await opening);
  },

  /** Opens sessions with a file each, forever. */
  async load() {
    await Promise.all(Array.from({ length: 8 }, openOnAndOn));
  },

  /** Makes concurrent reserves in one session, up to its limit. */
  async reserve() {
    const [sessionId, maxResources] = rest;
    const limits = limitsOf(Number(maxResources));
    const answers = await Promise.all(
      Array.from({ length: 64 }, () => store.resources.reserve(newResource(sessionId), null, limits)),
    );
    console.log(answers.filter((answer) => answer === 'reserved').length);
  },

  /** Stays connected until its standard input ends. */
  async stay() {
    await store.sessions.open(newSession(), MANY);
    console.log('here');
    for await (const _ of process.stdin);
    await store.close();
  },
};

await store.connect();
await tasks[task]();
