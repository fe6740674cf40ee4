import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Session } from 'nest-sessions';
import { Browser } from '../support/browser.js';
import { EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { filesOnDisk } from '../support/files-on-disk.js';
import { resultOf, runCli, startCli, type CliResult } from './cli-process.js';
import { Server } from './server.js';
import { runInShell } from './shell.js';

interface FullCleanup {
  readonly dry_run: boolean;
  readonly jobs: Record<
    'idle' | 'expired' | 'orphans',
    { items: number; failures: number; held?: boolean; trusted?: boolean }
  >;
}

let server: Server;
const run = (...args: string[]): Promise<CliResult> => runCli(args, { storagePath: server.storagePath });
const stateOf = async (id: string): Promise<string | undefined> =>
  (await server.store.sessions.find(id))?.state;

async function fullCleanup(...args: string[]): Promise<CliResult & { report: FullCleanup }> {
  const result = await run('cleanup', '--json', ...args);
  return { ...result, report: JSON.parse(result.stdout) as FullCleanup };
}

afterEach(async () => {
  const processes = await server.processes();
  await server.close();
  if (processes.join() !== 'server') throw new Error(`Left in the store: ${processes.join()}`);
});

describe.each(['express', 'fastify'] as const)('cleanup <id> beside a server on %s', (adapter) => {
  beforeEach(async () => {
    server = await Server.start(adapter);
  });

  it('ends the session in the server: when it exits, files are deleted and the event stream is closed', async () => {
    const browser = new Browser(server.url);
    const { id } = (await (await browser.fetch('/hello')).json()) as Session;
    await server.addFile({ id } as Session, 5000);
    const stream = new EventStream(await browser.fetch('/events'));
    await eventually(
      'the stream is tracked',
      async () => (await server.store.sessions.find(id))?.resourceCount === 2,
    );

    const result = await run('cleanup', id, '--yes', '--json');
    expect(result).toEqual({ code: 0, stderr: '', stdout: expect.any(String) });
    const report: unknown = JSON.parse(result.stdout);
    expect(report).toEqual({
      session_id: id,
      cleaned: true,
      resources_cleaned: expect.any(Number),
      bytes_cleaned: 5000,
    });
    expect(await filesOnDisk(server.storagePath)).toEqual([]);
    expect(await stream.until(({ event }) => event === 'session-ended')).toMatchObject({
      data: { reason: 'admin' },
    });
    expect(await stream.next()).toBeNull();

    const next = (await (await browser.fetch('/hello')).json()) as Session;
    expect(next.id).not.toBe(id);
    expect((await server.store.ledger.totals()).ended.admin).toBe(1);
    expect((await run('cleanup', id, '--yes')).code).toBe(3);
  });
});

describe('cleanup <id>', () => {
  let session: Session;
  let closeStream: () => void = () => {};
  afterEach(() => closeStream());

  /** A stream that closes only after the test, so that a command waits for it. */
  async function trackSlowStream(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    closeStream = resolve;
    await server.sessions.trackStream(session, { close: () => promise });
  }

  beforeEach(async () => {
    server = await Server.start();
    session = await server.open();
    await server.addFile(session, 1000);
  });

  it('asks before it ends a live session, and ends none if it cannot ask', async () => {
    const { code, stdout, stderr } = await run('cleanup', session.id);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('--yes');
    expect(await stateOf(session.id)).toBe('open');
  });

  it.each([
    ['n', 1, 'open'],
    ['', 1, 'open'],
    ['yes', 0, 'ended'],
  ])('asked on a terminal, %j exits with %i', async (answer, code, state) => {
    // The terminal buffers the answer until the question comes.
    const script = `echo '${answer}' | script -qec "$CLI cleanup ${session.id}" /dev/null`;
    const result = await runInShell(script, { storagePath: server.storagePath });
    expect(result.stdout).toContain(`End session ${session.id} of user anna, with 1 resource (1 kB)? [y/N]`);
    expect({ code: result.code, state: await stateOf(session.id) }).toEqual({ code, state });
  });

  it('with --dry-run reports what would be done, and changes nothing', async () => {
    const { code, stdout } = await run('cleanup', session.id, '--dry-run');
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${session.id} would end: 1 resource, 1 kB\n` });
    expect(await stateOf(session.id)).toBe('open');
    expect(await filesOnDisk(server.storagePath)).toHaveLength(1);
  });

  it('run twice at once, one ends it and the other finds nothing', async () => {
    const results = await Promise.all([
      run('cleanup', session.id, '--yes'),
      run('cleanup', session.id, '--yes'),
    ]);
    expect(new Set(results.map(({ code }) => code))).toEqual(new Set([0, 3]));
    expect((await server.store.ledger.totals()).ended.admin).toBe(1);
  });

  it('interrupted once finishes cleanly: exit code 130, and the session has ended', async () => {
    await trackSlowStream();
    const command = startCli(['cleanup', session.id, '--yes'], { storagePath: server.storagePath });
    const result = resultOf(command);
    await eventually('the end has begun', async () => (await stateOf(session.id)) !== 'open');
    command.kill('SIGINT');
    expect(await result).toMatchObject({ code: 130, stderr: 'error: interrupted\n' });
    expect(await stateOf(session.id)).toBe('ended');
  });

  it('interrupted twice exits at once', async () => {
    await trackSlowStream();
    const command = startCli(['cleanup', session.id, '--yes'], { storagePath: server.storagePath });
    await eventually('the end has begun', async () => (await stateOf(session.id)) !== 'open');
    command.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 100));
    command.kill('SIGINT');
    expect((await once(command, 'exit'))[0]).toBe(130);
    expect(await stateOf(session.id)).toBe('ending');
    // Its process is silent from now on; a cleanup would drop it.
    for (const { processId, role } of await server.store.fleet.listProcesses()) {
      if (role === 'cli') await server.store.fleet.dropProcess(processId, Number.MAX_SAFE_INTEGER);
    }
  });
});

describe('cleanup without an id', () => {
  let live: Session;

  beforeEach(async () => {
    server = await Server.start();
    live = await server.open();
    await server.addFile(live, 1000);
  });

  /** Files under our names, of a session that no store knows. */
  async function plantOrphans(count: number): Promise<void> {
    const name = randomBytes(16).toString('hex');
    const folder = join(server.storagePath, 's', name.slice(0, 2), name);
    await mkdir(folder, { recursive: true });
    const files = Array.from({ length: count }, () => join(folder, randomBytes(16).toString('hex')));
    await Promise.all(files.map((file) => writeFile(file, 'left over')));
  }

  it.each([['cleanup'], ['sessions cleanup'], ['sessions-cleanup']])(
    '%s ends due sessions, and no others',
    async (name) => {
      const idle = await server.plantDue('idle');
      const expired = await server.plantDue('expired');
      const { code, stdout } = await run(...name.split(' '));
      expect(code).toBe(0);
      expect(stdout).toMatch(/^JOB +ITEMS +FAILURES[^]*idle +1 +0 [^]*expired +1 +0 [^]*orphans +0 +0 /);
      expect(await Promise.all([idle, expired, live.id].map(stateOf))).toEqual(['ended', 'ended', 'open']);
      const { idle: endedIdle, expired: endedExpired } = (await server.store.ledger.totals()).ended;
      expect({ endedIdle, endedExpired }).toEqual({ endedIdle: 1, endedExpired: 1 });
      const runs = await server.store.ledger.listRuns();
      expect(Object.fromEntries(runs.map(({ job, runs: count, items }) => [job, { count, items }]))).toEqual({
        idle: { count: 1, items: 1 },
        expired: { count: 1, items: 1 },
        orphans: { count: 1, items: 0 },
      });
    },
  );

  it('with --dry-run counts what is due, and changes nothing', async () => {
    const ids = [await server.plantDue('idle'), await server.plantDue('expired')];
    await plantOrphans(3);
    const { code, report } = await fullCleanup('--dry-run', '--orphan-grace', '0', '--force');
    expect(code).toBe(0);
    expect(report).toMatchObject({
      dry_run: true,
      jobs: { idle: { items: 1 }, expired: { items: 1 }, orphans: { items: 3 } },
    });
    expect(await Promise.all(ids.map(stateOf))).toEqual(['open', 'open']);
    expect(await filesOnDisk(server.storagePath)).toHaveLength(4);
    expect(await server.store.ledger.listRuns()).toEqual([]);
  });

  it('deletes orphans older than the grace, which --orphan-grace shortens', async () => {
    await plantOrphans(3);
    expect((await fullCleanup()).report.jobs.orphans.items).toBe(0);
    expect((await fullCleanup('--orphan-grace', '60')).report.jobs.orphans.items).toBe(0);
    expect((await fullCleanup('--orphan-grace', '0', '--force')).report.jobs.orphans.items).toBe(3);
    expect(await filesOnDisk(server.storagePath)).toHaveLength(1);
  });

  it('deletes no orphans if they are most of the files, and exits with 4; --confirm deletes them', async () => {
    await plantOrphans(101);
    const now = ['--orphan-grace', '0', '--force'];
    const held = await fullCleanup(...now);
    expect(held.code).toBe(4);
    expect(held.report.jobs.orphans).toMatchObject({ items: 0, held: true });
    expect(held.stderr).toContain('--confirm');
    expect(await filesOnDisk(server.storagePath)).toHaveLength(102);
    const confirmed = await fullCleanup(...now, '--confirm');
    expect({ code: confirmed.code, items: confirmed.report.jobs.orphans.items }).toEqual({
      code: 0,
      items: 101,
    });
    expect(await filesOnDisk(server.storagePath)).toHaveLength(1);
  });

  it('deletes no file of another store, and exits with 4; after --confirm the server accepts files again', async () => {
    await plantOrphans(1);
    const marker = join(server.storagePath, '.nest-sessions.json');
    const fields = JSON.parse(await readFile(marker, 'utf8')) as object;
    await writeFile(marker, JSON.stringify({ ...fields, store: randomUUID() }));
    const now = ['--orphan-grace', '0', '--force'];
    const held = await fullCleanup(...now);
    expect(held.code).toBe(4);
    expect(held.report.jobs.orphans).toMatchObject({ items: 0, held: true, trusted: false });
    expect(held.stderr).toMatch(/another store.*--confirm/);
    await expect(server.addFile(live, 1)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    const confirmed = await fullCleanup(...now, '--confirm');
    expect([confirmed.code, confirmed.report.jobs.orphans.items]).toEqual([0, 1]);
    await server.addFile(live, 1);
    expect(await filesOnDisk(server.storagePath)).toHaveLength(2);
  });

  it('run twice at once does nothing twice', async () => {
    for (let count = 0; count < 20; count += 1) await server.plantDue('expired');
    const both = await Promise.all([fullCleanup(), fullCleanup()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const items = both.reduce((sum, { report }) => sum + report.jobs.expired.items, 0);
    expect(items).toBe(20);
    expect((await server.store.ledger.totals()).ended.expired).toBe(20);
  });
});
