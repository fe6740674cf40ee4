import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { filesOnDisk } from '../support/files-on-disk.js';
import { bytesOf, formOf } from '../support/recordings.js';
import { RedisServer } from '../support/redis-servers.js';
import { runCli } from './cli-process.js';

const PASSWORD = 'pa55word-of-redis';
const WITHOUT_CLIENT = resolve(import.meta.dirname, '../support/without-redis-client.mjs');

describe('commands on Redis', () => {
  let redis: RedisServer;
  let app: AppProcess;
  let env: Record<string, string>;

  beforeAll(async () => {
    redis = await RedisServer.start();
    await redis.command('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '&*', '+@all');
    const url = redis.url.replace('//', `//app:${PASSWORD}@`);
    env = { SESSION_REDIS_URL: url };
    app = await AppProcess.start('express', env);
  });
  afterAll(async () => {
    await app?.destroy();
    await redis?.stop();
  });

  it('see and end the sessions of the server', async () => {
    const { storagePath } = app;
    const browser = new Browser(app.url);
    const { session_id: id } = (await (await browser.fetch('/session')).json()) as { session_id: string };
    const listed = await runCli(['list', '--json'], { storagePath, env });
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining(id) });
    expect((await runCli(['show', id], { storagePath, env })).code).toBe(0);
    expect((await runCli(['stats'], { storagePath, env })).code).toBe(0);
    expect((await runCli(['cleanup', id, '--yes'], { storagePath, env })).code).toBe(0);
    expect((await runCli(['show', id], { storagePath, env })).stdout).toMatch(/^State +ended$/m);
    expect((await runCli(['cleanup', id, '--yes'], { storagePath, env })).code).toBe(3);
    expect((await runCli(['cleanup'], { storagePath, env })).code).toBe(0);
  });

  it('print the password neither at boot nor when they fail', async () => {
    expect(app.bootLine).toContain('store redis');
    const { storagePath } = app;
    const wrong = { SESSION_REDIS_URL: env['SESSION_REDIS_URL']!.replace(PASSWORD, `${PASSWORD}-not`) };
    const refused = await runCli(['list'], { storagePath, env: wrong });
    const absent = { SESSION_REDIS_URL: `redis://app:${PASSWORD}@127.0.0.1:1` };
    const unreached = await runCli(['list'], { storagePath, env: absent });
    expect([refused.code, unreached.code]).toEqual([5, 5]);
    expect(app.log + refused.stderr + unreached.stderr).not.toContain(PASSWORD);
  });

  it.each([
    ['on a machine without a storage folder', undefined],
    ['of a user who has no storage folder', 54_321],
  ])('need no storage folder, %s, and leave no node', async (_name, uid) => {
    const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-cli-'));
    try {
      const storagePath = uid === undefined ? join(folder, 'none') : app.storagePath;
      const setting = { storagePath, env, ...(uid !== undefined && { uid }) };
      const browser = new Browser(app.url);
      const form = formOf(await bytesOf('hola-es.mp3'), 'hola-es.mp3', 'audio/mpeg');
      await browser.fetch('/audio', { method: 'POST', body: form });
      const { session_id: id } = (await (await browser.fetch('/session')).json()) as { session_id: string };
      const files = await filesOnDisk(app.storagePath);
      expect(files.length).toBeGreaterThan(0);
      for (const args of [['list'], ['show', id], ['stats'], ['nodes', 'list'], ['cleanup']]) {
        const { code, stderr } = await runCli(args, setting);
        expect([code, stderr]).toEqual([0, expect.not.stringMatching(/error|warn/i)]);
      }
      expect(await runCli(['cleanup', '--confirm'], setting)).toMatchObject({
        stderr: expect.stringContaining(`no storage folder at ${storagePath}`) as string,
      });
      expect((await runCli(['cleanup', id, '--yes'], setting)).code).toBe(0);
      await eventually(
        'its files are gone',
        async () => (await filesOnDisk(app.storagePath)).length < files.length,
      );
      const nodes = await runCli(['nodes', 'list', '--json'], { storagePath: app.storagePath, env });
      expect((JSON.parse(nodes.stdout) as { nodes: unknown[] }).nodes).toHaveLength(1);
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('with the folder of another store look at all sessions, and clean nothing up: exit 5', async () => {
    const other = await AppProcess.start('express');
    try {
      const { storagePath } = other;
      const browser = new Browser(other.url);
      const form = formOf(await bytesOf('hola-es.mp3'), 'hola-es.mp3', 'audio/mpeg');
      await browser.fetch('/audio', { method: 'POST', body: form });
      const files = await filesOnDisk(storagePath);
      expect(files.length).toBeGreaterThan(0);
      expect((await runCli(['list'], { storagePath, env })).code).toBe(0);
      expect((await runCli(['cleanup', '--dry-run'], { storagePath, env })).code).not.toBe(5);
      const { code, stdout, stderr } = await runCli(['cleanup'], { storagePath, env });
      expect([code, stdout]).toEqual([5, '']);
      expect(stderr).toContain(`SESSION_STORAGE_PATH (${storagePath})`);
      expect(await filesOnDisk(storagePath)).toEqual(files);
    } finally {
      await other.destroy();
    }
  });

  it('exit with 5 under a wrong prefix, and create nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-cli-'));
    try {
      const prefixed = { ...env, SESSION_REDIS_PREFIX: 'wrong:' };
      expect((await runCli(['list'], { storagePath: app.storagePath, env: prefixed })).code).toBe(5);
      expect(await redis.command('KEYS', 'wrong:*')).toEqual([]);
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('name the package to install if the Redis client is missing; without Redis none is needed', async () => {
    const withoutClient = { NODE_OPTIONS: `--import=${WITHOUT_CLIENT}` };
    const { storagePath } = app;
    const missing = await runCli(['list'], { storagePath, env: { ...env, ...withoutClient } });
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('npm install redis');
    const embedded = await AppProcess.start('express', withoutClient);
    expect(embedded.bootLine).toContain('store sqlite');
    await embedded.destroy();
  });
});
