import { buffer } from 'node:stream/consumers';
import { randomUUID } from 'node:crypto';
import { inBucketOf } from '#sessions/domain/bucket';
import { World } from '../support/world.js';

const SILENCE_MS = 11_000;
const BYTES = 300_000;

/** Two processes' worth of services on one store; one of them stands still for so long that the other gives it up. */
describe('A process that stood still', () => {
  let here: World;
  let still: World;
  beforeEach(async () => {
    const options = { maxStreamsPerSession: 3 };
    here = await World.create('sqlite', options);
    still = await World.create('sqlite', options, here);
    // Its heartbeats come when the test says so.
    clearInterval(Reflect.get(still.core.thisProcess, 'timer') as NodeJS.Timeout);
  });
  afterEach(async () => {
    await still.close();
    await here.close();
  });

  const standStill = async (): Promise<void> => {
    here.clock.advance(SILENCE_MS);
    await here.core.thisProcess.beat();
    await here.core.cleanup.run('orphans');
    expect((await here.store.fleet.listProcesses()).map(({ processId }) => processId)).toEqual([
      here.core.thisProcess.id,
    ]);
  };
  const streamsOf = async ({ id }: { id: string }): Promise<number> =>
    (await here.store.sessions.find(id))?.streamCount ?? 0;

  it('has its streams counted again, under the limit of all processes', async () => {
    const { session } = await here.open();
    const closed: string[] = [];
    const track = (world: World, name: string) =>
      world.service.trackStream(session, { close: (reason) => void closed.push(`${name} ${reason}`) });
    const tracked = [await track(still, 'a'), await track(still, 'b')];
    await standStill();
    expect(await streamsOf(session)).toBe(0);
    await still.core.thisProcess.beat();
    expect(await streamsOf(session)).toBe(2);
    await track(here, 'c');
    await expect(track(still, 'd')).rejects.toMatchObject({ code: 'STREAMS_FULL' });
    for (const stream of tracked) await stream.release();
    expect([await streamsOf(session), closed]).toEqual([1, []]);
  });

  it('closes the streams for which there is no room any more', async () => {
    const { session } = await here.open();
    const closed: string[] = [];
    for (const name of ['a', 'b']) {
      await still.service.trackStream(session, { close: (reason) => void closed.push(`${name} ${reason}`) });
    }
    await standStill();
    for (let count = 0; count < 2; count += 1) await here.service.trackStream(session, { close: () => {} });
    await still.core.thisProcess.beat();
    expect(await streamsOf(session)).toBe(3);
    expect(closed).toEqual([expect.stringMatching(/^[ab] shutdown$/)]);
  });

  it('refuses what it was writing with 503, not as if the session were over', async () => {
    const { session } = await here.open();
    const sink = await still.service.createFile(session, { type: 'audio_file' });
    sink.write(Buffer.alloc(BYTES));
    await standStill();
    const error = new Promise((resolve) => sink.once('error', resolve));
    sink.end(Buffer.alloc(2 * BYTES));
    expect(await error).toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryAfterSeconds: 1 });
    const sinkAfter = await still.service.createFile(session, { type: 'audio_file' });
    await new Promise((resolve) => sinkAfter.end(Buffer.alloc(BYTES), () => resolve(null)));
    expect(sinkAfter.resource.sizeBytes).toBe(BYTES);
    expect(await here.store.resources.list([session.id])).toHaveLength(1);
  });

  it('goes on with what it reads, in use again', async () => {
    const { session } = await here.open();
    const file = await still.write(session, BYTES);
    const { stream } = await still.service.openResource(file);
    const uses = async (): Promise<number> => (await here.store.resources.find(file.id))?.uses ?? -1;
    await standStill();
    expect(await uses()).toBe(0);
    await still.core.thisProcess.beat();
    expect(await uses()).toBe(1);
    expect(await buffer(stream)).toHaveLength(BYTES);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await uses()).toBe(0);
  });

  it('tells an upload whose file was released that it is gone, not that the session is', async () => {
    const { session } = await here.open();
    const sink = await still.service.createFile(session, { type: 'audio_file' });
    await here.service.release({ id: sink.resourceId });
    const error = new Promise((resolve) => sink.once('error', resolve));
    sink.end(Buffer.alloc(2 * BYTES));
    expect(await error).toMatchObject({ code: 'RESOURCE_GONE' });
  });
});

describe('A process whose store lost history', () => {
  it('lets go of what the store says it writes, and it does not', async () => {
    const world = await World.create('sqlite');
    try {
      const { session } = await world.open();
      const sink = await world.service.createFile(session, { type: 'audio_file' });
      const [known] = await world.store.resources.list([session.id]);
      const { id: processId } = world.core.thisProcess;
      const stray = { ...known!, id: inBucketOf(session.id, randomUUID()), processId };
      const limits = world.core.config.limits;
      expect(await world.store.resources.reserve(stray, null, limits)).toBe('reserved');
      jest.spyOn(world.core.store.feed, 'read').mockResolvedValueOnce({
        changes: [],
        position: '0',
        more: false,
        reset: true,
      });
      await world.core.feed.read();
      expect((await world.store.resources.list([session.id])).map(({ id }) => id)).toEqual([known!.id]);
      await new Promise((resolve) => sink.end(Buffer.alloc(BYTES), () => resolve(null)));
      expect(sink.resource.sizeBytes).toBe(BYTES);
    } finally {
      await world.close();
    }
  });
});
