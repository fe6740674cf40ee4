import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../cli/cli-process.js';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { EventStream } from '../support/event-stream.js';
import { RedisServer } from '../support/redis-servers.js';

/** Two seconds are promised; the rest is for a machine that is busy with other tests. */
const PATIENCE_MS = 4000;

describe('two servers and a command on one Redis', () => {
  let redis: RedisServer;
  let storagePath: string;
  let env: Record<string, string>;
  let apps: AppProcess[];

  beforeEach(async () => {
    redis = await RedisServer.start();
    storagePath = await mkdtemp(join(tmpdir(), 'nest-sessions-two-'));
    env = { SESSION_REDIS_URL: redis.url };
    apps = [
      await AppProcess.start('express', env, storagePath),
      await AppProcess.start('fastify', env, storagePath),
    ];
  });
  afterEach(async () => {
    await Promise.all(apps.map((app) => app.destroy()));
    await redis.stop();
    await rm(storagePath, { recursive: true, force: true });
  });

  /** One browser's session, with a stream to each server. */
  async function streaming(): Promise<{ id: string; browser: Browser; streams: EventStream[] }> {
    const browser = new Browser(apps[0]!.url);
    const { session_id: id } = (await (await browser.fetch('/session')).json()) as { session_id: string };
    const responses = await Promise.all(apps.map((app) => browser.fetch(`${app.url}/events`)));
    expect(responses.map(({ status }) => status)).toEqual([200, 200]);
    return { id, browser, streams: responses.map((response) => new EventStream(response)) };
  }

  async function expectClosed(streams: readonly EventStream[], within: number): Promise<void> {
    const startedAt = performance.now();
    await Promise.all(streams.map((stream) => stream.until(({ event }) => event === 'session-ended')));
    expect(performance.now() - startedAt).toBeLessThan(within);
  }

  it('close the streams of a session on both when one of them ends it', async () => {
    const { browser, streams } = await streaming();
    const cookie = browser.cookieHeader;
    expect((await browser.fetch('/session', { method: 'DELETE' })).status).toBe(204);
    await expectClosed(streams, PATIENCE_MS);
    expect((await browser.fetch(`${apps[1]!.url}/events`, { headers: { cookie } })).status).toBe(204);
  });

  it('close them on both when a command ends it', async () => {
    const { id, streams } = await streaming();
    const ended = runCli(['cleanup', id, '--yes'], { storagePath, env });
    await Promise.all(streams.map((stream) => stream.until(({ event }) => event === 'session-ended')));
    expect((await ended).code).toBe(0);
  });
});
