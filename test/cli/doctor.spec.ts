import { chmodSync, chownSync, closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { SQLInputValue } from 'node:sqlite';
import type { Session } from 'nest-sessions';
import { beat } from '#sessions/testing/store/store.fixtures';
import { runCli, type CliResult } from './cli-process.js';
import { Server } from './server.js';

interface Finding {
  readonly code: string;
  readonly severity: string;
  readonly subject: string | null;
  readonly what: string;
  readonly remedy: string;
}

interface Report {
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
  readonly mended: readonly Finding[];
}

const NOBODY = 65_534;

const { DatabaseSync } = process.getBuiltinModule('node:sqlite');

function chownBelow(path: string, uid: number): void {
  chownSync(path, uid, uid);
  for (const entry of readdirSync(path, { recursive: true, encoding: 'utf8' }))
    chownSync(join(path, entry), uid, uid);
}

describe('The command doctor', () => {
  let server: Server;
  let session: Session;

  beforeEach(async () => {
    server = await Server.start();
    session = await server.open();
    await server.addFile(session, 1000);
  });
  afterEach(() => server.close());

  const run = (...args: string[]): Promise<CliResult> =>
    runCli(['doctor', ...args], { storagePath: server.storagePath });

  async function report(...args: string[]): Promise<Report & { readonly code: number | null }> {
    const { code, stdout } = await run('--json', ...args);
    return { code, ...(JSON.parse(stdout) as Report) };
  }

  function change(sql: string, ...values: SQLInputValue[]): void {
    const db = new DatabaseSync(join(server.storagePath, 'sessions.db'), { timeout: 5000 });
    db.prepare(sql).run(...values);
    db.close();
  }

  /** The folder of the session, and its file. */
  function fileOfSession(): { folder: string; file: string } {
    const hex = session.id.replaceAll('-', '');
    const folder = join(server.storagePath, 's', hex.slice(0, 2), hex);
    return { folder, file: join(folder, readdirSync(folder)[0] ?? '') };
  }

  const needing = ({ findings }: Report): string[] =>
    findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code);

  it('finds nothing beside a server, and exits with 0', async () => {
    const { code, stdout, stderr } = await run();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Healthy: 0 errors, 0 warnings/m);
    expect(await report('--repair')).toMatchObject({ code: 0, healthy: true, mended: [] });
  });

  it('says what is wrong, how bad it is and what to do, and exits with 1', async () => {
    change("UPDATE budgets SET bytes = 7 WHERE key = 'user:anna'");
    rmSync(fileOfSession().file);
    const { code, stdout } = await run();
    expect(code).toBe(1);
    expect(stdout).toContain('WARNING  budget');
    expect(stdout).toContain('ERROR  missing-file');
    expect(stdout).toContain('→ Run: doctor --repair');
    expect(stdout).toMatch(/^Not healthy: 1 error, 1 warning/m);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  it('names a file that it cannot read, and a folder, and reports the rest', async () => {
    change("UPDATE budgets SET bytes = 7 WHERE key = 'user:anna'");
    const { file } = fileOfSession();
    chownBelow(server.storagePath, NOBODY);
    chownSync(file, 0, 0);
    chmodSync(file, 0o400);
    const args = ['doctor', '--json'];
    const asNobody = async (): Promise<Report> =>
      JSON.parse((await runCli(args, { storagePath: server.storagePath, uid: NOBODY })).stdout) as Report;
    expect(needing(await asNobody())).toEqual(expect.arrayContaining(['budget', 'unreadable-file', 'owner']));
    const shard = join(server.storagePath, 's', session.id.slice(0, 2));
    chownSync(shard, 0, 0);
    expect(needing(await asNobody())).toEqual(expect.arrayContaining(['budget', 'unreadable-folder']));
  });

  it('mends with --repair, enters the audit, and finds nothing afterwards', async () => {
    change("UPDATE budgets SET bytes = 7 WHERE key = 'user:anna'");
    const { folder, file } = fileOfSession();
    rmSync(file);
    chmodSync(folder, 0o755);
    const { code, mended } = await report('--repair');
    expect([code, mended.map((finding) => finding.code).toSorted()]).toEqual([
      0,
      ['budget', 'missing-file', 'modes'],
    ]);
    expect(await server.sessions.describe(session)).toMatchObject({ resourceCount: 0, bytesUsed: 0 });
    const { entries } = await server.store.audit.read({ from: 0, to: Number.MAX_SAFE_INTEGER, limit: 10 });
    expect(entries[0]).toMatchObject({ deed: 'repair', outcome: 'done', resources: 1 });
    expect(await report()).toMatchObject({ code: 0, healthy: true });
  });

  it('exits with 4 if something needs somebody, and the rest is mended', async () => {
    change('UPDATE store SET open = open + 1');
    const [node] = await server.store.fleet.listNodes();
    const failure = { item: 'Trash of nobody', tries: 9, retryAt: Date.now() };
    await server.store.ledger.noteFailures(node?.nodeId ?? '', [failure]);
    const repaired = await report('--repair');
    expect(repaired).toMatchObject({ code: 4, healthy: false, mended: [{ code: 'totals' }] });
    expect(needing(repaired)).toEqual(['stuck']);
    expect((await run('--repair')).code).toBe(1);
  });

  it('tells of servers that differ, and of a clock in doubt', async () => {
    const now = Date.now();
    const [known] = await server.store.fleet.listProcesses();
    const { nodeId = '', limits } = known ?? {};
    const other = beat({ at: now + 60_000, flushedThroughAt: now, nodeId, version: '0.0.9' });
    await server.store.fleet.heartbeat({ ...other, limits: { ...other.limits, ...limits, maxResources: 7 } });
    change('UPDATE store SET clock_doubted_until = ?', now + 60_000);
    const found = await report();
    expect(needing(found).toSorted()).toEqual(['clock', 'limits', 'versions']);
    expect(found.findings.find(({ code }) => code === 'limits')?.subject).toBe('maxResources');
  });

  it('tells of a damaged page, and mends nothing of the store then', async () => {
    const path = join(server.storagePath, 'sessions.db');
    const db = new DatabaseSync(path);
    const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'audit'").get() ?? {};
    const { page_size: pageSize } = db.prepare('PRAGMA page_size').get() ?? {};
    db.exec('UPDATE store SET open = open + 1; PRAGMA wal_checkpoint(TRUNCATE)');
    db.close();
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(100, 0xff), 0, 100, (Number(rootpage) - 1) * Number(pageSize));
    closeSync(file);
    const { code, findings, mended } = await report('--repair');
    expect([code, mended]).toEqual([1, []]);
    const codes = findings.map((finding) => finding.code);
    expect(codes).toEqual(expect.arrayContaining(['integrity', 'totals']));
  });
});
