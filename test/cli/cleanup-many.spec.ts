import type { Session } from 'nest-sessions';
import { eventually } from '../support/eventually.js';
import { filesOnDisk } from '../support/files-on-disk.js';
import { resultOf, runCli, startCli, type CliResult } from './cli-process.js';
import { Server } from './server.js';
import { runInShell } from './shell.js';

let server: Server;
let ofAnna: Session[];
let ofBen: Session;
const run = (...args: string[]): Promise<CliResult> => runCli(args, { storagePath: server.storagePath });

async function openIds(): Promise<string[]> {
  const { sessions } = await server.admin.read<{ sessions: { session_id: string }[] }>('/admin/sessions');
  return sessions.map(({ session_id: id }) => id);
}

beforeEach(async () => {
  server = await Server.start();
  ofAnna = [await server.open(), await server.open(), await server.open()];
  for (const session of ofAnna) await server.addFile(session, 1000);
  ofBen = await server.open({ userId: 'ben', ipAddress: '198.51.100.9' });
});
afterEach(() => server.close());

describe('cleanup of many', () => {
  it.each([
    ['--user', 'anna', 3],
    ['--ip', '198.51.100.0/24', 1],
    ['--bytes-over', '999', 3],
    ['--near-limit', '1', 3],
    ['--idle-over', '0', 4],
  ])('%s %s ends those that match, and no others', async (flag, value, count) => {
    const { code, stdout, stderr } = await run('cleanup', flag, value, '--yes');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^${count} sessions? ended: \\d resources?, `));
    expect(await openIds()).toHaveLength(4 - count);
  });

  it('by all that is given together; --json is the answer of the admin route', async () => {
    const { code, stdout } = await run(
      'cleanup',
      '--user',
      'anna',
      '--ip',
      '198.51.100.9',
      '--yes',
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dry_run: false, matched: 0, cleaned: 0, failed: [] });
    expect(await openIds()).toHaveLength(4);
  });

  it('--dry-run changes nothing, and tells the command line that ends these, and none that came since', async () => {
    const dry = await run('cleanup', '--user', 'anna', '--dry-run');
    expect(dry.stdout).toBe('3 sessions would end: 3 resources, 3 kB\n');
    expect(await openIds()).toHaveLength(4);
    const [, line = ''] = /^To end these, .*: nest-sessions (.*)$/m.exec(dry.stderr) ?? [];
    expect(line).toMatch(/^cleanup --user anna --as-of \d{4}-/);
    const later = await server.open();
    const ended = await run(...line.split(' '), '--yes');
    expect(ended.stdout).toBe('3 sessions ended: 3 resources, 3 kB\n');
    expect(await openIds()).toEqual([ofBen.id, later.id]);
    expect(await filesOnDisk(server.storagePath)).toEqual([]);
  });

  it('<id>… ends those; one that is over is told, with exit code 4', async () => {
    await server.admin.cleanup(ofAnna[2]!.id);
    const ids = ofAnna.map(({ id }) => id.slice(0, 9));
    const { code, stdout, stderr } = await run('cleanup', ...ids, ids[0]!, '--yes');
    expect({ code, stdout }).toEqual({ code: 4, stdout: '2 sessions ended: 2 resources, 2 kB\n' });
    expect(stderr).toBe(`${ofAnna[2]!.id}: SESSION_GONE\nerror: 1 session not ended\n`);
    expect((await run('cleanup', ...ids, '--yes')).code).toBe(3);
    expect((await run('cleanup', ofBen.id, 'ffff', '--yes')).code).toBe(3);
    expect(await openIds()).toEqual([ofBen.id]);
  });

  it.each([
    ['n', 1, 4],
    ['', 1, 4],
    ['yes', 0, 1],
  ])('asks with the numbers, and answered %j exits with %i', async (answer, code, left) => {
    const script = `echo '${answer}' | script -qec "$CLI cleanup --user anna" /dev/null`;
    const result = await runInShell(script, { storagePath: server.storagePath });
    expect(result.stdout).toContain('End 3 sessions, with 3 resources (3 kB)? [y/N]');
    expect({ code: result.code, left: (await openIds()).length }).toEqual({ code, left });
  });

  it('enters one deed into the audit', async () => {
    await run('cleanup', '--user', 'anna', '--yes');
    const { stdout } = await run('audit');
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
      / end-many cli \S+ done, 3 sessions, 3 resources, 3 kB user_id/,
    );
  });

  it('refuses an instant that is to come: until then everybody would have been idle', async () => {
    const before = await openIds();
    const { code, stderr } = await run('cleanup', '--idle-over', '300', '--as-of', '2999-01-01', '--yes');
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('is later than now') });
    expect(await openIds()).toEqual(before);
  });

  it('interrupted ends what it has begun, and no more: exit code 130', async () => {
    const command = startCli(['cleanup', '--user', 'anna', '--yes'], { storagePath: server.storagePath });
    const result = resultOf(command);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await server.sessions.trackStream(ofAnna[0]!, { close: () => held });
    await eventually('an end has begun', async () => (await openIds()).length < 4);
    command.kill('SIGINT');
    const { code, stderr } = await result;
    release();
    expect([0, 130]).toContain(code);
    expect(['', 'error: interrupted\n']).toContain(stderr);
  });
});
