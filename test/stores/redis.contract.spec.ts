import { RedisSessionStore } from '#sessions/redis/index';
import { sessionStoreContract } from '#sessions/testing/session-store.contract';
import { RedisClusterServers, RedisServer } from '../support/redis-servers.js';

const SERVERS = [
  [
    'one server',
    async () => RedisServer.start().then((server) => ({ urls: [server.url], stop: () => server.stop() })),
  ],
  ['a cluster', () => RedisClusterServers.start()],
] as const;

/** The contract is about answers: a busy machine delays them, and breaks no promise by it. */
const TIMEOUT_MS = 10_000;

describe.each(SERVERS)('The redis store on %s', (_name, start) => {
  let servers: Awaited<ReturnType<typeof start>>;
  let store: RedisSessionStore;
  let prefixes = 0;

  beforeAll(async () => {
    servers = await start();
  }, 30_000);

  afterAll(() => servers.stop());

  beforeEach(async () => {
    prefixes += 1;
    store = new RedisSessionStore({ url: servers.urls, prefix: `test-${prefixes}:`, timeoutMs: TIMEOUT_MS });
    await store.connect();
  });

  afterEach(() => store.close());

  it.each(sessionStoreContract.map(({ name, run }) => [name, run] as const))(
    '%s',
    async (_name, run) => {
      await expect(run(store)).resolves.toBeUndefined();
    },
    30_000,
  );
});
