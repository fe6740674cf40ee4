import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Session } from 'nest-sessions';
import { runCli, type CliResult } from './cli-process.js';
import { Server } from './server.js';

let server: Server;
let anna: Session;
let fileOfAnna: string;
const run = (...args: string[]): Promise<CliResult> => runCli(args, { storagePath: server.storagePath });

beforeAll(async () => {
  server = await Server.start();
  anna = await server.open({ userId: 'anna' });
  fileOfAnna = await server.addFile(anna, 12_345, 'evil\u001B[2J.wav');
  for (let count = 0; count < 3; count += 1) await server.open({ userId: 'ben' });
  const carol = await server.open({ userId: 'carol' });
  for (let count = 0; count < 2; count += 1) await server.addFile(carol, 100);
  await server.open({ userId: null });
});
afterAll(() => server.close());

describe('users', () => {
  it.each([
    [[], ['anna', 'carol', 'ben']],
    [['--sort=bytes'], ['anna', 'carol', 'ben']],
    [
      ['--sort', 'sessions'],
      ['ben', 'anna', 'carol'],
    ],
    [['--sort=resources'], ['carol', 'anna', 'ben']],
    [['--sort=user'], ['anna', 'ben', 'carol']],
    [['--limit', '1'], ['anna']],
  ])('%j', async (args, expected) => {
    const { code, stdout } = await run('users', ...args);
    expect(code).toBe(0);
    const [head = '', ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^USER +SESSIONS +RESOURCES +SIZE$/);
    expect(rows.map((row) => row.split(' ')[0])).toEqual(expected);
    expect(rows.find((row) => row.startsWith('anna'))).toMatch(/^anna +1 +1 +12\.3 kB$/);
  });

  it('by id has pages; as JSON it is the answer of the admin route', async () => {
    const first = await run('users', '--sort', 'user', '--limit', '2');
    const [, cursor = ''] =
      /^More: nest-sessions users --sort user --limit 2 --cursor (\S+)$/m.exec(first.stderr) ?? [];
    const { stdout } = await run('users', '--sort', 'user', '--cursor', cursor);
    expect(stdout).toMatch(/\ncarol +1 +2 +200 B\n$/);
    const json: unknown = JSON.parse((await run('users', '--sort=user', '--json')).stdout);
    expect(json).toEqual(await server.admin.read('/admin/sessions/users'));
    const lines = (await run('users', '--stream')).stdout.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { user_id: string }).user_id)).toEqual([
      'anna',
      'ben',
      'carol',
    ]);
  });

  it('<id> shows one with the sessions', async () => {
    const { code, stdout } = await run('users', 'ben');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^User +ben\nSessions +3\nResources +0\nSize +0 B\n\nLive sessions/);
    const json: unknown = JSON.parse((await run('users', 'ben', '--json')).stdout);
    expect(json).toEqual(await server.admin.read('/admin/sessions/users/ben'));
  });
});

describe('find', () => {
  const folder = (): string => {
    const digits = anna.id.replaceAll('-', '');
    return join('s', digits.slice(0, 2), digits);
  };
  const fileName = (): string => fileOfAnna.replaceAll('-', '');

  it.each([
    ['the id of a resource', () => fileOfAnna],
    ['a path under the storage folder', () => join(folder(), fileName())],
    ['an absolute path', () => join(server.storagePath, folder(), fileName())],
    ['a path of another mount', () => join('/mnt/disk', folder(), fileName())],
  ])('by %s', async (_what, given) => {
    const { code, stdout } = await run('find', given());
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `^Session +${anna.id}\nSession is +live\nUser +anna\nResource +${fileOfAnna}\nState +ready\n`,
      ),
    );
    expect(stdout).toMatch(/File name +evil\\x1b\[2J\.wav\nSize +12\.3 kB\n/);
    const json = JSON.parse((await run('find', given(), '--json')).stdout) as object;
    expect(json).toMatchObject({
      session_id: anna.id,
      user_id: 'anna',
      resource_id: fileOfAnna,
      state: 'ready',
    });
  });

  it('tells a file that is being written, the folder of a session, and what is in the trash', async () => {
    const partial = await run('find', join(folder(), `${fileName()}.part`));
    expect(partial.stdout).toMatch(/On disk +being written/);
    const own = await run('find', folder());
    expect(own.stdout).toMatch(/Resource +- \(this is the folder of the session\)/);
    const gone = await server.open({ userId: 'dave' });
    await server.addFile(gone, 10);
    const digits = gone.id.replaceAll('-', '');
    const place = join(server.storagePath, 's', digits.slice(0, 2), digits);
    const [name = ''] = await readdir(place);
    // As the end of a session does, before the trash is emptied.
    await rename(place, join(server.storagePath, 'trash', digits));
    await server.admin.cleanup(gone.id);
    const { code, stdout } = await run('find', join(server.storagePath, 'trash', digits, name));
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Session +${gone.id}\nSession is +ended\n`));
    expect(stdout).toMatch(/On disk +in the trash/);
  });

  it('exits with 3 for what nobody owns, and with 2 for what is no name of ours', async () => {
    const none = '00000000-0000-4000-8000-000000000000';
    expect((await run('find', none)).code).toBe(3);
    const orphan = await run('find', `s/00/${none.replaceAll('-', '')}/${none.replaceAll('-', '')}`);
    expect(orphan.code).toBe(3);
    expect(orphan.stderr).toContain('a cleanup deletes it');
    for (const path of ['notes.txt', '/etc/passwd', 's/00', '../s/zz/x']) {
      expect((await run('find', path)).code).toBe(2);
    }
  });
});
