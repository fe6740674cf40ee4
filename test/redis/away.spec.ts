import { runCli } from '../cli/cli-process.js';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { filesOnDisk } from '../support/files-on-disk.js';
import { ADAPTERS } from '../support/http-app.js';
import { bytesOf, formOf } from '../support/recordings.js';
import { RedisServer } from '../support/redis-servers.js';

/** Most requests are answered in what is promised; the rest is for a machine that is busy with other tests. */
const PROMISED_MS = 1000;
const PATIENCE_MS = 3000;
const CLIENTS = 10;

async function sessionIdOf(browser: Browser): Promise<string> {
  const response = await browser.fetch('/session');
  expect(response.status).toBe(200);
  return ((await response.json()) as { session_id: string }).session_id;
}

describe.each(ADAPTERS)('while Redis is away, on %s', (adapter) => {
  let redis: RedisServer;
  let app: AppProcess;

  beforeEach(async () => {
    redis = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', 'always']);
    app = await AppProcess.start(adapter, {
      SESSION_REDIS_URL: redis.url,
      SESSION_OPEN_RATE: '0',
      SESSION_MAX_UNCONFIRMED_PER_NETWORK: '0',
      SESSION_CLEANUP_INTERVAL: '1',
    });
  });
  afterEach(async () => {
    await app.destroy();
    await redis.stop();
  });

  async function healthStatus(): Promise<number> {
    return (await fetch(`${app.url}/health`)).status;
  }

  /** How long it takes to be told to come back later, in milliseconds. */
  async function refusedAfter(client: Browser): Promise<number> {
    const startedAt = performance.now();
    const response = await client.fetch('/session');
    const waitedMs = performance.now() - startedAt;
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(response.headers.getSetCookie()).toEqual([]);
    return waitedMs;
  }

  /** With a cookie, and without one: neither is given a session. */
  async function expectRefused(browser: Browser): Promise<void> {
    await eventually('the outage shows', async () => (await browser.fetch('/session')).status === 503);
    const clients = Array.from({ length: CLIENTS }, (_, index) =>
      index % 2 ? browser : new Browser(app.url),
    );
    const waits = await Promise.all(clients.map((client) => refusedAfter(client)));
    waits.sort((a, b) => a - b);
    expect(waits[CLIENTS / 2]).toBeLessThan(PROMISED_MS);
    expect(waits.at(-1)).toBeLessThan(PATIENCE_MS);
    await eventually('readiness goes down', async () => (await healthStatus()) === 503);
  }

  async function expectBack(browser: Browser, id: string): Promise<void> {
    await eventually('it is back', async () => (await browser.fetch('/session')).status === 200);
    expect(await sessionIdOf(browser)).toBe(id);
    await eventually('readiness is up', async () => (await healthStatus()) === 200);
  }

  it('killed: who needs a session is told to come back, and finds it again', async () => {
    const browser = new Browser(app.url);
    const id = await sessionIdOf(browser);
    await redis.signal('SIGKILL');
    await expectRefused(browser);
    expect(await healthStatus()).toBe(503);
    await redis.run();
    await expectBack(browser, id);
  });

  it('stopped: nobody waits for an answer that does not come', async () => {
    const browser = new Browser(app.url);
    const id = await sessionIdOf(browser);
    await redis.signal('SIGSTOP');
    await expectRefused(browser);
    const startedAt = performance.now();
    const crowd = await Promise.all(
      Array.from({ length: 200 }, () => new Browser(app.url).fetch('/session')),
    );
    expect(new Set(crowd.map(({ status }) => status))).toEqual(new Set([503]));
    expect(performance.now() - startedAt).toBeLessThan(2 * PATIENCE_MS);
    await redis.signal('SIGCONT');
    await expectBack(browser, id);
  });

  it('refusing writes: a logout succeeds, no copy of the cookie is served, and the session ends when Redis writes again', async () => {
    const browser = new Browser(app.url);
    const id = await sessionIdOf(browser);
    const body = formOf(await bytesOf('hello-en.wav'), 'hello-en.wav', 'audio/wav');
    expect((await browser.fetch('/audio', { method: 'POST', body })).status).toBe(201);
    const copy = { cookie: browser.cookieHeader };
    await redis.command('CONFIG', 'SET', 'min-replicas-to-write', '1');
    expect((await browser.fetch('/session', { method: 'DELETE' })).status).toBe(204);
    expect(browser.cookieHeader).toBe('');
    // A new session cannot be opened either.
    expect((await new Browser(app.url).fetch('/session', { headers: copy })).status).toBe(503);
    expect(await filesOnDisk(app.storagePath)).toHaveLength(1);
    await redis.command('CONFIG', 'SET', 'min-replicas-to-write', '0');
    await eventually('its file is deleted', async () => (await filesOnDisk(app.storagePath)).length === 0);
    const fresh = await new Browser(app.url).fetch('/session', { headers: copy });
    expect(((await fresh.json()) as { session_id: string }).session_id).not.toBe(id);
  });

  it('emptied: a stream of a lost session is closed, and no file is deleted until an operator confirms', async () => {
    const browser = new Browser(app.url);
    const id = await sessionIdOf(browser);
    const body = formOf(await bytesOf('hello-en.wav'), 'hello-en.wav', 'audio/wav');
    expect((await browser.fetch('/audio', { method: 'POST', body })).status).toBe(201);
    const stream = new EventStream(await browser.fetch('/events'));
    const files = await filesOnDisk(app.storagePath);
    expect(files).toHaveLength(1);
    await redis.command('FLUSHALL');
    expect(await stream.until(({ event }) => event === 'session-ended')).toBeDefined();
    const fresh = await eventually('the old cookie stands for nothing', async () => {
      const response = await browser.fetch('/session');
      return response.status === 200 && ((await response.json()) as { session_id: string });
    });
    expect(fresh.session_id).not.toBe(id);
    expect(await filesOnDisk(app.storagePath)).toEqual(files);

    const { storagePath } = app;
    const env = { SESSION_REDIS_URL: redis.url };
    const sweep = ['cleanup', '--orphan-grace', '0', '--force'];
    const held = await eventually('the store is known again, as another one', async () => {
      const result = await runCli(sweep, { storagePath, env });
      return result.stderr.includes('--confirm') && result;
    });
    expect([held.code, held.stdout]).toEqual([5, '']);
    expect(await filesOnDisk(storagePath)).toEqual(files);
    expect((await runCli([...sweep, '--confirm', '--yes'], { storagePath, env })).code).toBe(0);
    expect(await filesOnDisk(storagePath)).toEqual([]);
  });
});
