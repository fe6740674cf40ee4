import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Heartbeat } from 'nest-sessions/store';
import { packageVersion } from '#sessions/core/package-version';
import { runCli, type CliResult } from './cli-process.js';
import { Server } from './server.js';

interface ProcessView {
  readonly process_id: string;
}

describe('stats', () => {
  let server: Server;
  let planted: string[];
  const run = (...args: string[]): Promise<CliResult> => runCli(args, { storagePath: server.storagePath });

  beforeAll(async () => {
    server = await Server.start();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    planted = [];
  });
  afterEach(async () => {
    for (const id of planted) await server.store.fleet.dropProcess(id, Number.MAX_SAFE_INTEGER);
  });

  async function own(): Promise<Heartbeat> {
    const beats = await server.store.fleet.listProcesses();
    return beats.find(({ pid }) => pid === process.pid)!;
  }

  /** A process beside the server, as its heartbeat tells it. */
  async function plant(differing: Partial<Heartbeat>): Promise<string> {
    const processId = differing.processId ?? randomUUID();
    planted.push(processId);
    const at = Date.now();
    await server.store.fleet.heartbeat({
      ...(await own()),
      beacon: null,
      host: 'api-2',
      pid: 77,
      at,
      ...differing,
      processId,
    });
    return processId;
  }

  async function stats(): Promise<Record<string, unknown>> {
    return JSON.parse((await run('stats', '--json')).stdout) as Record<string, unknown>;
  }

  it('tells host, pid, version, disk and limits of each process', async () => {
    const { processId, nodeId } = await own();
    const { processes, limits_differ: differ } = await stats();
    expect(differ).toBe(false);
    expect(processes).toEqual([
      {
        process_id: processId,
        role: 'server',
        alive: true,
        last_heard: expect.stringMatching(/Z$/),
        host: hostname(),
        pid: process.pid,
        version: packageVersion(),
        started_at: expect.stringMatching(/Z$/),
        node_id: nodeId,
        address: null,
        limits: {
          max_session_duration: 3600,
          max_idle_time: 900,
          max_resources_per_session: 100,
          max_bytes_per_session: 104_857_600,
          max_sessions: 100_000,
          cleanup_interval: 60,
        },
        disk: {
          free_bytes: expect.any(Number),
          total_bytes: expect.any(Number),
          free_inodes: expect.any(Number),
        },
      },
    ]);
    const { stdout } = await run('stats');
    const row = [
      processId.slice(0, 8),
      'server',
      process.pid,
      packageVersion(),
      'alive',
      '[\\d.]+ [MGT]B',
      hostname(),
    ];
    expect(stdout).toMatch(new RegExp(row.join(' +')));
  });

  it('fits 80 columns, whatever a cleanup says', async () => {
    await server.open();
    const lastError = 'EPERM: operation not permitted, unlink '.repeat(5);
    const failed = { processId: (await own()).processId, startedAt: Date.now(), durationMs: 5, items: 0 };
    await server.store.ledger.recordRun({
      ...failed,
      job: 'idle',
      failures: 3,
      succeeded: false,
      waiting: 3,
      found: 0,
      nextRunAt: Date.now() + 60_000,
      lastError,
    });
    const item = `Session ${randomUUID()}`;
    await server.store.ledger.noteFailures((await own()).nodeId, [
      { item, tries: 6, retryAt: Date.now() + 60_000 },
    ]);
    await plant({
      processId: 'aaaaaaaa-0000-4000-8000-000000000009',
      at: Date.now() - 3_599_000,
      role: 'cli',
    });
    const { stdout } = await run('stats');
    expect(stdout.split('\n').filter(({ length }) => length > 80)).toEqual([]);
    expect(stdout).toContain('idle: last success never; last error: EPERM: operation');
    expect(stdout).toContain(`Stuck: ${item}, 6 tries, next in`);
    expect(stdout).toMatch(/cleanup_failed: Cleanup jobs fail: idle \(1 runs in a row, 3 things wait\)/);
    const { alerts, stuck } = await stats();
    expect(alerts).toMatchObject([{ name: 'cleanup_failed', message: expect.stringContaining('idle') }]);
    expect(stuck).toMatchObject([{ item, attempts: 6, node_id: (await own()).nodeId }]);
    await server.store.ledger.forgetFailures((await own()).nodeId, [item]);
  });

  it('tells the limits of the running servers, and by server where they differ', async () => {
    const { limits, startedAt } = await own();
    await plant({ limits: { ...limits, maxIdleMs: 60_000, maxResources: 7 }, startedAt: startedAt + 1000 });
    await plant({ limits: { ...limits, maxResources: 7 }, startedAt });
    // Neither a command nor a silent server has a say.
    await plant({ limits: { ...limits, maxIdleMs: 1 }, role: 'cli' });
    await plant({ limits: { ...limits, maxIdleMs: 2 }, at: Date.now() - 10_000 });
    expect(await stats()).toMatchObject({
      limits: { max_idle_time: 60, max_resources_per_session: 7, max_session_duration: 3600 },
      limits_from: 'servers',
      limits_differ: true,
    });
    const { stdout } = await run('stats');
    expect(stdout).toMatch(/Idle time +1 min \(api-2, pid 77\)\n +15 min \(2 servers\)\n/);
    expect(stdout).toMatch(/Session duration +1 h\n/);
    expect(stdout).toContain('The servers are configured differently.');
  });

  it('--process tells one process by the beginning of its id', async () => {
    const first = await plant({
      processId: 'abcdef01-0000-4000-8000-000000000001',
      host: 'api-7',
      pid: 4711,
    });
    await plant({ processId: 'abcdef02-0000-4000-8000-000000000001' });
    const { code, stdout } = await run('stats', '--process', 'abcdef01');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Process +${first}`));
    expect(stdout).toMatch(/Host +api-7\n/);
    expect(stdout).toMatch(/Pid +4711\n/);
    const json = await run('stats', '--process', first, '--json');
    expect((JSON.parse(json.stdout) as ProcessView).process_id).toBe(first);
    const [several, none, empty] = await Promise.all([
      run('stats', '--process', 'abcdef'),
      run('stats', '--process', 'ffffffff-ffff'),
      run('stats', '--process', ''),
    ]);
    expect([several?.code, none?.code, empty?.code]).toEqual([2, 3, 3]);
    expect(several?.stderr).toContain(first);
  });
});
