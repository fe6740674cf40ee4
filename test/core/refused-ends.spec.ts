import { rm } from 'node:fs/promises';
import { RedisSessionStore } from '#sessions/redis/index';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-servers.js';
import type { World } from '../support/world.js';
import { Machines } from './node-worlds.js';

type Command = (...words: string[]) => Promise<unknown>;

/** Makes a Redis refuse all writes; what it answers makes it take them again. */
const REFUSALS: [string, string, (command: Command) => Promise<() => Promise<unknown>>][] = [
  [
    'its snapshots fail (MISCONF)',
    'saving to its disk fails',
    async (command) => {
      const { dir: folder = '' } = (await command('CONFIG', 'GET', 'dir')) as { dir?: string };
      await command('CONFIG', 'SET', 'save', '3600 1');
      await rm(folder, { recursive: true });
      await command('BGSAVE');
      await eventually('a snapshot has failed', async () =>
        String(await command('INFO', 'persistence')).includes('rdb_last_bgsave_status:err'),
      );
      return () => command('CONFIG', 'SET', 'save', '');
    },
  ],
  [
    'it has too few replicas (NOREPLICAS)',
    'min-replicas-to-write',
    async (command) => {
      await command('CONFIG', 'SET', 'min-replicas-to-write', '1');
      return () => command('CONFIG', 'SET', 'min-replicas-to-write', '0');
    },
  ],
];

describe('A logout', () => {
  let server: RedisServer;
  let machines: Machines;
  let here: World;
  let there: World;
  const over: string[] = [];

  beforeEach(async () => {
    server = await RedisServer.start();
    const open = (name: string) =>
      new RedisSessionStore({ url: server.url, prefix: `${name}:`, buckets: 16, timeoutMs: 10_000 });
    machines = new Machines({ open });
    here = await machines.start();
    there = await machines.start(here.root);
    over.length = 0;
    for (const world of [here, there])
      world.service.events.on('session.over', ({ sessionId }) => over.push(sessionId));
  });
  afterEach(async () => {
    await machines.close();
    await server.stop();
  });

  it.each(REFUSALS)(
    'while Redis refuses writes since %s: the session is refused at once here, and ends when Redis writes again',
    async (_why, said, refuse) => {
      const { session, token } = await here.open();
      await here.write(session, 10);
      const closed: string[] = [];
      await here.service.trackStream(session, { close: (reason) => void closed.push(reason) });
      const writeAgain = await refuse((...words) => server.command(...words));

      const ended = await here.service.end(session);
      expect(ended?.unfinished).toMatchObject({
        code: 'STORE_UNAVAILABLE',
        cause: { message: expect.stringContaining(said) },
      });
      expect(await here.kindOf(token)).toBe('ended');
      expect(await here.service.describe(session)).toBeNull();
      await expect(here.service.createFile(session, { type: 'temp_file' })).rejects.toMatchObject({
        code: 'SESSION_GONE',
      });
      expect(closed).toEqual(['ended']);
      expect(over).toEqual([session.id]);
      expect(await here.store.sessions.find(session.id)).toMatchObject({ state: 'open' });
      expect(await there.kindOf(token)).toBe('live');

      await writeAgain();
      await eventually('the session ends in the store', async () => {
        const record = await here.store.sessions.find(session.id);
        return record?.state === 'ended' && record.endReason === 'ended';
      });
      await eventually('the other process hears of it', async () => over.length === 2);
      expect(over).toEqual([session.id, session.id]);
      expect(await there.kindOf(token)).toBe('ended');
      await eventually('its file is deleted', async () => (await machines.filesOf(here)).length === 0);
    },
  );

  it('while Redis is out of memory ends the session in the store, since that frees memory', async () => {
    const { session, token } = await here.open();
    await here.write(session, 10);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await here.service.end(session)).toMatchObject({ unfinished: null, resources: 1 });
    await eventually('the session ends in the store', async () => {
      return (await here.store.sessions.find(session.id))?.state === 'ended';
    });
    expect(await machines.filesOf(here)).toEqual([]);
    await eventually('the other process hears of it', async () => over.length === 2);
    expect(await there.kindOf(token)).toBe('ended');
  });
});
