import type { SessionEvents } from '#sessions/domain/events';
import { RedisSessionStore } from '#sessions/redis/index';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-servers.js';
import { CLIENT, type World } from '../support/world.js';
import { Machines, onMachines, SHARED_STORES } from './node-worlds.js';

type Over = SessionEvents['session.over'];

/** Everything that the processes emit, in order. */
function listen(world: World): { ended: string[]; over: Over[] } {
  const heard = { ended: [] as string[], over: [] as Over[] };
  world.service.events.on('session.ended', ({ sessionId }) => heard.ended.push(sessionId));
  world.service.events.on('session.over', (event) => heard.over.push(event));
  return heard;
}

function hears(heard: { over: Over[] }, count: number): Promise<unknown> {
  return eventually(`${count} ends are heard of`, async () => heard.over.length >= count);
}

/** Reads the feed twice more: whatever it still reports has been heard then. */
async function hearAll(worlds: readonly World[]): Promise<void> {
  for (const world of [...worlds, ...worlds]) await world.core.feed.read();
}

describe.each(SHARED_STORES)('The end of a session, in two processes on %s', (_name, share) => {
  let machines: Machines;
  let here: World;
  let there: World;
  onMachines(share, async (given) => {
    machines = given;
    here = await machines.start();
    there = await machines.start(here.root);
  });

  it('is emitted as over in both, and as ended only where it was made', async () => {
    const [heardHere, heardThere] = [listen(here), listen(there)];
    const { session } = await here.open();
    await here.service.end(session, 'admin');
    const over = { sessionId: session.id, userId: null, reason: 'admin' };
    expect(heardHere.over).toEqual([over]);
    await hears(heardThere, 1);
    await hearAll([here, there]);
    expect(heardHere).toEqual({ ended: [session.id], over: [over] });
    expect(heardThere).toEqual({ ended: [], over: [over] });
  });

  it('is emitted as over once for each of many sessions, though the feed reports each end twice', async () => {
    const [heardHere, heardThere] = [listen(here), listen(there)];
    const opened = await Promise.all(Array.from({ length: 40 }, () => here.open()));
    await Promise.all(opened.slice(0, 20).map(({ session }) => here.write(session, 10)));
    await Promise.all(
      opened.map(async ({ session }, index) => (index % 2 ? here : there).service.end(session, 'ended')),
    );
    await hears(heardHere, 40);
    await hears(heardThere, 40);
    await hearAll([here, there]);
    const ids = opened.map(({ session }) => session.id).toSorted();
    expect(heardHere.over.map(({ sessionId }) => sessionId).toSorted()).toEqual(ids);
    expect(heardThere.over.map(({ sessionId }) => sessionId).toSorted()).toEqual(ids);
    expect([...heardHere.ended, ...heardThere.ended].toSorted()).toEqual(ids);
  });

  it('is emitted for an end by cleanup, too', async () => {
    const heardThere = listen(there);
    const { session } = await here.open();
    machines.clock.advance(3_600_000);
    await Promise.all([here, there].map((world) => world.core.thisProcess.beat()));
    await here.core.cleanup.run('expired');
    await hears(heardThere, 1);
    expect(heardThere.over).toEqual([{ sessionId: session.id, userId: null, reason: 'expired' }]);
  });
});

describe('Ends that Redis lost', () => {
  let server: RedisServer;
  let machines: Machines;
  beforeEach(async () => {
    server = await RedisServer.start();
    const open = (name: string) =>
      new RedisSessionStore({ url: server.url, prefix: `${name}:`, buckets: 16, timeoutMs: 10_000 });
    machines = new Machines({ open });
  });
  afterEach(async () => {
    await machines.close();
    await server.stop();
  });

  it.each([true, false])(
    'are emitted as over for each session that a process opened or read, with its user: cache %s',
    async (cache) => {
      const world = await machines.start(undefined, { cache });
      const other = await machines.start();
      const heard = listen(world);
      const openedHere = await world.open();
      const read = await other.open();
      const token = await other.service.login(read.session, 'ada');
      expect(await world.kindOf(token, CLIENT)).toBe('live');
      const over = await world.open();
      await world.service.end(over.session);
      await hears(heard, 1);
      await server.command('FLUSHALL');
      await hears(heard, 3);
      await world.core.feed.read();
      expect(heard.over).toHaveLength(3);
      expect(new Map(heard.over.map(({ sessionId, userId }) => [sessionId, userId]))).toEqual(
        new Map([
          [openedHere.session.id, null],
          [read.session.id, 'ada'],
          [over.session.id, null],
        ]),
      );
    },
  );

  it('are emitted as over for the sessions that a process served lately or has connections of', async () => {
    const world = await machines.start();
    const heard = listen(world);
    const served = await world.open();
    expect(await world.kindOf(served.token, CLIENT)).toBe('live');
    const streaming = await world.open();
    await world.service.trackStream(streaming.session, { close: () => {} });
    await server.command('FLUSHALL');
    await hears(heard, 2);
    await world.core.feed.read();
    const lost = (id: string): Over => ({ sessionId: id, userId: null, reason: 'ended' });
    expect(heard.over.toSorted((a, b) => a.sessionId.localeCompare(b.sessionId))).toEqual(
      [lost(served.session.id), lost(streaming.session.id)].toSorted((a, b) =>
        a.sessionId.localeCompare(b.sessionId),
      ),
    );
  });
});
