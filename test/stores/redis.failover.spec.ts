import { setTimeout as wait } from 'node:timers/promises';
import { RedisSessionStore } from '#sessions/redis/index';
import { anEnd, opened } from '#sessions/testing/store/store.fixtures';
import { RedisClusterServers } from '../support/redis-servers.js';

/** Covers the node timeout of a second, the election, and the time until clients give up a hung node. */
const WITHIN_MS = 15_000;

/** Retries until there is an answer; answers the errors meanwhile and the longest time of a call. */
async function ask<T>(question: () => Promise<T>, deadline: number) {
  const refusals: unknown[] = [];
  let slowestMs = 0;
  for (;;) {
    const startedAt = performance.now();
    try {
      return { answer: await question(), refusals, slowestMs };
    } catch (error) {
      if (startedAt > deadline) throw error;
      refusals.push(error);
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      await wait(100);
    }
  }
}

describe('When a cluster loses a master', () => {
  let cluster: RedisClusterServers;
  let store: RedisSessionStore;
  /** Waits longer for an answer: what a test begins with is not what it is about. */
  let patient: RedisSessionStore;

  beforeAll(async () => {
    cluster = await RedisClusterServers.start();
    const options = { url: cluster.urls, buckets: 64 };
    store = new RedisSessionStore(options);
    patient = new RedisSessionStore({ ...options, timeoutMs: 10_000 });
    await store.connect();
    await patient.connect();
  }, 30_000);

  afterAll(async () => {
    await store.close();
    await patient.close();
    await cluster.stop();
  });

  it.each([
    ['killed', 0, 'SIGKILL'],
    ['hung', 1, 'SIGSTOP'],
  ] as const)(
    '%s: its replica takes over, and readers of the feed are told to reset',
    async (_how, which, signal) => {
      const sessions = await Promise.all(Array.from({ length: 200 }, () => opened(patient)));
      const { position } = await store.feed.read(null, 10);
      // A failover loses unreplicated writes, so wait for the replication.
      await wait(300);
      await cluster.masters[which]?.signal(signal);

      const deadline = performance.now() + WITHIN_MS;
      const refusals: unknown[] = [];
      for (const { id } of sessions) {
        const asked = await ask(() => store.sessions.find(id), deadline);
        expect(asked.answer).toMatchObject({ id, state: 'open' });
        expect(asked.slowestMs).toBeLessThan(1500);
        refusals.push(...asked.refusals);
      }
      expect(refusals.length).toBeGreaterThan(0);
      expect(new Set(refusals.map((error) => Object(error).code))).toEqual(new Set(['STORE_UNAVAILABLE']));
      await expect(store.feed.read(position, 10)).resolves.toMatchObject({ reset: true });
      const ended = await Promise.all(sessions.map(({ id }) => store.endings.beginEnd(id, anEnd())));
      expect(ended.every((record) => record?.state === 'ending')).toBe(true);
    },
  );
});
