import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Session } from 'nest-sessions';
import { packageVersion } from '#sessions/core/package-version';
import { runCli, type CliResult } from './cli-process.js';
import { beat, LIMITS, placement } from '#sessions/testing/store/store.fixtures';
import { Server } from './server.js';

const AWAY = 'b0000000-0000-4000-8000-000000000009';
const DAY = 24 * 3_600_000;

let server: Server;
let session: Session;

const run = (...args: string[]): Promise<CliResult> => runCli(args, { storagePath: server.storagePath });
const hereId = async (): Promise<string> => {
  const here = (await server.store.fleet.listNodes()).find(({ nodeId }) => nodeId !== AWAY);
  return here?.nodeId ?? '';
};

/** A node without a heartbeat for a day, with a file of the session. */
async function plantAway(): Promise<void> {
  const processId = randomUUID();
  const at = Date.now() - DAY;
  const address = 'https://away.example.com';
  const facts = {
    role: 'server',
    host: 'away',
    pid: 1,
    flushedThroughAt: at,
    nodeId: AWAY,
    address,
    beacon: null,
    keyIds: [],
    version: '1.2.3',
    startedAt: at,
    limits: beat({}).limits,
    disk: null,
  } as const;
  await server.store.fleet.heartbeat({ ...facts, processId, at });
  const id = `${session.id.slice(0, 3)}${randomUUID().slice(3)}`;
  const texts = { type: 'audio_file', purpose: null, fileName: null, mediaType: null, sizeBytes: 500 };
  const resource = { id, sessionId: session.id, ...texts, createdAt: at, processId, nodeId: AWAY };
  await server.store.resources.reserve(resource, null, LIMITS);
  await server.store.resources.complete(id, null, { sizeBytes: 500, mediaType: null, at });
  await server.store.resources.place(placement(session.id, [{ id }]));
  await server.store.fleet.dropProcess(processId, Date.now());
}

beforeEach(async () => {
  server = await Server.start();
  session = await server.open();
  await server.addFile(session, 100);
  await plantAway();
});
afterEach(() => server.close());

describe('nodes list', () => {
  it('shows every node, whether it is live, and how many files it stores', async () => {
    const { code, stdout } = await run('nodes', 'list', '--json');
    expect(code).toBe(0);
    const lastSeen: unknown = expect.stringMatching(/^\d{4}-.*Z$/);
    const { nodes } = JSON.parse(stdout) as { nodes: { node_id: string }[] };
    expect(nodes).toHaveLength(2);
    expect(nodes).toEqual(
      expect.arrayContaining([
        {
          node_id: await hereId(),
          state: 'here',
          last_seen: lastSeen,
          resources: 1,
          address: null,
          processes: [
            expect.objectContaining({
              host: hostname(),
              pid: process.pid,
              version: packageVersion(),
              disk: expect.objectContaining({ free_bytes: expect.any(Number) }),
            }),
          ],
        },
        {
          node_id: AWAY,
          state: 'away',
          last_seen: lastSeen,
          resources: 1,
          address: 'https://away.example.com',
          processes: [],
        },
      ]),
    );
  });

  it('prints a table, nested and flat', async () => {
    for (const args of [['nodes'], ['sessions', 'nodes', 'list']]) {
      const { code, stdout } = await run(...args);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^NODE +STATE +LAST SEEN +FILES +DISK FREE\n/);
      expect(stdout).toMatch(new RegExp(`${AWAY} +away +1 d ago +1 +-\n`));
      expect(stdout).toMatch(new RegExp(`${await hereId()} +here +\\d+ (ms|s) ago +1 +[\\d.]+ [MGT]B\n`));
      expect(stdout).toMatch(/\nNODE +PID +VERSION +HOST +ADDRESS\n/);
      expect(stdout).toMatch(/b0000000 +- +- +- +https:\/\/away.example.com\n/);
      const start = (await hereId()).slice(0, 8);
      const version = packageVersion().replaceAll('.', '\\.');
      expect(stdout).toMatch(new RegExp(`${start} +${process.pid} +${version} +${hostname()} +-\n`));
      expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    }
  });
});

describe('nodes forget', () => {
  it('gives up a node that is away: ends that waited for it finish, and its files no longer count', async () => {
    await server.sessions.end(session);
    expect((await server.store.sessions.find(session.id))?.state).toBe('ending');
    const result = await run('sessions', 'nodes', 'forget', AWAY, '--yes', '--json');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toEqual({ node_id: AWAY, forgotten: true, resources: 1, bytes: 500 });
    expect((await server.store.sessions.find(session.id))?.state).toBe('ended');
    expect((await run('nodes', 'forget', AWAY, '--yes')).code).toBe(3);
  });

  it('refuses a live node, and changes nothing', async () => {
    const result = await run('nodes', 'forget', await hereId(), '--yes');
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain('the node is live');
    expect(await server.store.resources.list([session.id])).toHaveLength(2);
  });
});

describe('cleanup <id> with a node away', () => {
  it('reports what is left to delete, and exits with 4', async () => {
    const result = await run('cleanup', session.id, '--yes', '--json');
    expect(result.code).toBe(4);
    expect(JSON.parse(result.stdout)).toMatchObject({
      cleaned: false,
      resources_cleaned: 1,
      bytes_cleaned: 100,
      pending: { resources: 1, bytes: 500, nodes: [AWAY] },
    });
    expect(result.stderr).toContain(AWAY);
  });
});
