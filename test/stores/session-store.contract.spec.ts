import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { sessionStoreContract } from '#sessions/testing/session-store.contract';

const STORES: readonly [string, (folder: string) => SessionStore][] = [
  ['memory', () => new MemorySessionStore()],
  ['sqlite', (folder) => new SqliteSessionStore({ path: join(folder, 'sessions.db') })],
];

describe.each(STORES)('The %s store', (kind, make) => {
  let folder: string;
  let store: SessionStore;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
    store = make(folder);
    await store.connect();
  });

  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  it('names its kind', () => expect(store.kind).toBe(kind));

  it.each(sessionStoreContract.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    await expect(run(store)).resolves.toBeUndefined();
  });
});
