import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { RedisSessionStore } from '#sessions/redis/index';
import { anEnd, opened } from '#sessions/testing/store/store.fixtures';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { selfSigned } from '../support/certificate.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { RedisServer } from '../support/redis-servers.js';

describe('Redis over TLS', () => {
  let folder: string;
  let certificate: string;
  let redis: RedisServer;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-tls-'));
    const signed = selfSigned(folder);
    certificate = signed.certificate;
    const port = await freePort();
    const trust = [
      '--tls-cert-file',
      certificate,
      '--tls-key-file',
      signed.key,
      '--tls-ca-cert-file',
      certificate,
    ];
    redis = await RedisServer.start(['--tls-port', `${port}`, '--tls-auth-clients', 'no', ...trust]);
    url = `rediss://127.0.0.1:${port}`;
  });
  afterAll(async () => {
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('keeps the sessions of a server that trusts its certificate', async () => {
    const env = { SESSION_REDIS_URL: url, NODE_EXTRA_CA_CERTS: certificate };
    const app = await AppProcess.start('express', env);
    try {
      expect((await new Browser(app.url).fetch('/session')).status).toBe(200);
      expect(app.log).not.toContain('only by the clock');
      expect(await redis.command('DBSIZE')).toBeGreaterThan(0);
    } finally {
      await app.destroy();
    }
  });

  it('is refused by who does not', async () => {
    const store = new RedisSessionStore({ url });
    await expect(store.connect()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('serves a client with a certificate of its own, which all connections take after', async () => {
    const client = createClient({ url, socket: { tls: true, ca: readFileSync(certificate) } });
    client.on('error', () => {});
    const store = new RedisSessionStore({ client, prefix: 'handed-in:', timeoutMs: 10_000 });
    try {
      await store.connect();
      let heard = 0;
      const refusals: unknown[] = [];
      store.onChange(() => (heard += 1)).catch((error: unknown) => refusals.push(error));
      await eventually('news are heard', async () => {
        const session = await opened(store);
        await store.endings.beginEnd(session.id, anEnd());
        return heard > 0;
      });
      expect(refusals).toEqual([]);
    } finally {
      await store.close();
      client.destroy();
    }
  });
});
