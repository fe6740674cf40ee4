import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { RedisSessionStore } from '#sessions/redis/index';
import { sessionStoreContract } from '#sessions/testing/session-store.contract';
import { anEnd, opened } from '#sessions/testing/store/store.fixtures';
import { eventually } from '../support/eventually.js';
import { RedisClusterServers, RedisServer } from '../support/redis-servers.js';

const PAGE = readFileSync(resolve(import.meta.dirname, '../../docs/several-servers.md'), 'utf8');

/** The user from docs/several-servers.md, verbatim, with the prefixes of these tests. */
function rulesFor(prefix: string): string[] {
  const line = /^ACL (SETUSER sessions on .*)$/m.exec(PAGE)?.[1] ?? '';
  return line.replaceAll('nest-sessions:', prefix).split(' ');
}

const SERVERS = [
  [
    'one server',
    async () => {
      const server = await RedisServer.start();
      return { urls: [server.url], servers: [server], stop: () => server.stop() };
    },
  ],
  ['a cluster', () => RedisClusterServers.start()],
] as const;

describe.each(SERVERS)(
  'A Redis user with the rights that docs/several-servers.md gives, on %s',
  (_name, start) => {
    let redis: Awaited<ReturnType<typeof start>>;
    let store: RedisSessionStore;
    let prefixes = 0;

    beforeAll(async () => {
      redis = await start();
      await Promise.all(redis.servers.map((server) => server.command('ACL', ...rulesFor('acl-*:'))));
    }, 60_000);

    afterAll(() => redis.stop());

    beforeEach(async () => {
      prefixes += 1;
      const url = redis.urls.map((one) => one.replace('//', '//sessions:password@'));
      store = new RedisSessionStore({ url, prefix: `acl-${prefixes}:`, timeoutMs: 10_000 });
      await store.connect();
    });

    afterEach(() => store.close());

    it.each(sessionStoreContract.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
      await expect(run(store)).resolves.toBeUndefined();
    });

    it('receives notifications, and was denied no command', async () => {
      let heard = 0;
      const refusals: unknown[] = [];
      store.onChange(() => (heard += 1)).catch((error: unknown) => refusals.push(error));
      await eventually('news are heard', async () => {
        const session = await opened(store);
        await store.endings.beginEnd(session.id, anEnd());
        return heard > 0;
      });
      expect(refusals).toEqual([]);
      const denials = await Promise.all(redis.servers.map((server) => server.command('ACL', 'LOG')));
      // The client sends its name to newer servers, and ignores a denial.
      const denied = (denials as unknown[][])
        .flat()
        .filter((entry) => !JSON.stringify(entry).includes('setinfo'));
      expect(denied).toEqual([]);
    });
  },
);
