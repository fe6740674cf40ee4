import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisSessionStore } from '#sessions/redis/index';
import { ADMIN_TOKEN, AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { filesOnDisk } from '../support/files-on-disk.js';
import { bytesOf, formOf } from '../support/recordings.js';
import { RedisServer } from '../support/redis-servers.js';

const UPLOADS = 2;

/** Three servers as they are served, each with a storage folder of its own, on one Redis. */
describe('three nodes, one of which is killed and comes back', () => {
  let redis: RedisServer;
  let folder: string;
  let nodes: AppProcess[];
  let store: RedisSessionStore;

  beforeAll(async () => {
    redis = await RedisServer.start();
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-nodes-'));
    nodes = await Promise.all(['a', 'b', 'c'].map(start));
    store = new RedisSessionStore({ url: redis.url, prefix: 'nodes:', timeoutMs: 10_000 });
    await store.connect();
  }, 60_000);
  afterAll(async () => {
    await store.close();
    await Promise.all(nodes.map((node) => node.destroy()));
    await rm(folder, { recursive: true, force: true });
    await redis.stop();
  });

  function start(name: string): Promise<AppProcess> {
    const environment = {
      SESSION_REDIS_URL: redis.url,
      SESSION_REDIS_PREFIX: 'nodes:',
      SESSION_CLEANUP_INTERVAL: '1',
      SESSION_ORPHAN_GRACE: '60',
      SESSION_BALLAST_BYTES: '0',
      SESSION_MIN_FREE_BYTES: '0',
      ADMIN_TOKEN,
    };
    return AppProcess.start('express', environment, join(folder, name));
  }

  const filesOf = (node: AppProcess | undefined): Promise<string[]> => filesOnDisk(node?.storagePath ?? '');

  async function upload(node: AppProcess, cookie: string): Promise<void> {
    const body = formOf(await bytesOf('hello-en.webm'), 'hello-en.webm', 'audio/webm');
    const headers = { cookie, 'user-agent': 'test-browser' };
    const response = await fetch(`${node.url}/audio`, { method: 'POST', headers, body });
    expect(response.status).toBe(201);
  }

  it('deletes no file of another node, and leaves none in the end', async () => {
    const [a, b, c] = nodes;
    const browser = new Browser(a?.url ?? '');
    await browser.fetch('/session');
    const cookie = browser.cookieHeader;
    for (let count = 0; count < UPLOADS; count += 1) {
      for (const node of nodes) await upload(node, cookie);
    }
    for (const node of nodes) expect(await filesOf(node)).toHaveLength(UPLOADS);

    const killed = await filesOf(c);
    await c?.stop('SIGKILL');
    const { sessions } = await a!.admin<{ sessions: { session_id: string }[] }>('');
    const id = sessions[0]?.session_id ?? '';
    const answer = await fetch(`${a?.url}/admin/sessions/${id}/cleanup`, {
      method: 'POST',
      headers: { 'X-Admin-Token': ADMIN_TOKEN },
    });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ cleaned: false, pending: { resources: UPLOADS } });
    expect([await filesOf(a), await filesOf(b)]).toEqual([[], []]);

    // Its processes are struck off, and several cleanups run on the others: what lies on the dead node stays.
    await eventually(
      'the dead process is struck off',
      async () => (await store.fleet.listProcesses()).length === 2,
      30_000,
    );
    await eventually(
      'cleanups ran since',
      async () => {
        const runs = await store.ledger.listRuns();
        return (runs.find(({ job }) => job === 'orphans')?.runs ?? 0) > 20;
      },
      30_000,
    );
    expect(await filesOf(c)).toEqual(killed);
    expect((await store.sessions.find(id))?.state).toBe('ending');
    expect((await store.ledger.listRuns()).map(({ totalFailures }) => totalFailures)).toEqual([0, 0, 0]);

    nodes[2] = await start('c');
    await eventually(
      'the node that is back has deleted its own',
      async () => (await store.sessions.find(id))?.state === 'ended',
      30_000,
    );
    expect(await filesOf(nodes[2])).toEqual([]);
    expect(await store.ledger.totals()).toMatchObject({ open: 0, ending: 0, ended: { admin: 1 } });
  }, 120_000);
});
