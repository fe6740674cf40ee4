import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { SessionsError } from '#sessions/domain/errors';
import type { FileSink } from '#sessions/core/resources/file-sink';
import { eventually } from '../support/eventually.js';
import { STORES, World } from '../support/world.js';

const KIB = 1024;

describe.each(STORES)('Places of files, on %s', (store) => {
  let world: World;
  beforeEach(
    async () =>
      (world = await World.create(store, { maxResources: 3, maxBytes: 100 * KIB, maxStreamsPerSession: 2 })),
  );
  afterEach(async () => {
    jest.restoreAllMocks();
    await world.close();
  });

  /** A session that is full: three files of 30 KiB, the oldest first. */
  async function fullSession() {
    const { session, token } = await world.open();
    const files = [];
    for (let count = 0; count < 3; count += 1) {
      files.push(await world.write(session, randomBytes(30 * KIB)));
      world.clock.advance(1);
    }
    return { session, token, files };
  }

  async function begun(session: { id: string }, bytes: number): Promise<FileSink> {
    const sink = await world.service.createFile(session, { type: 'audio_file' });
    await new Promise((resolve) => sink.write(Buffer.alloc(bytes), resolve));
    return sink;
  }

  const ids = (resources: readonly { id: string }[] = []) => resources.map(({ id }) => id);
  const deleted = (session: { id: string }) =>
    eventually('its files are deleted', async () => {
      return (await world.store.resources.list([session.id])).length === 0;
    });
  const idsNow = async (session: { id: string }) => ids((await world.service.describe(session))?.resources);

  it('are taken by all files of a batch in one step, with the victims', async () => {
    const { session, files } = await fullSession();
    const batch = await world.service.beginBatch(session, 0);
    for (const content of ['one', 'two']) {
      world.clock.advance(1);
      const sink = await batch.createFile({ type: 'audio_file' });
      await finished(sink.end(content));
      expect(sink.resource).toMatchObject({ state: 'complete', sizeBytes: 3 });
    }
    expect(await idsNow(session)).toEqual(ids(files));
    const [one] = batch.files;
    if (!one) throw new Error('no file');
    expect(await world.service.findResource(session, one.id)).toMatchObject({ state: 'complete' });
    expect((await buffer((await world.service.openResource(one)).stream)).toString()).toBe('one');
    const place = jest.spyOn(world.store.resources, 'place');
    await batch.place();
    await batch.place();
    expect(place.mock.calls.map(([{ resourceIds }]) => resourceIds)).toEqual([
      ids(batch.files),
      ids(batch.files),
    ]);
    expect(batch.files).toMatchObject([{ state: 'ready', processId: null }, { state: 'ready' }]);
    expect(await idsNow(session)).toEqual(ids([...files.slice(2), ...batch.files]));
  });

  it('are not taken by a batch that is abandoned, or by a file that was released before', async () => {
    const { session, files } = await fullSession();
    const batch = await world.service.beginBatch(session, 0);
    for (const content of ['one', 'two', 'three']) {
      await finished((await batch.createFile({ type: 'audio_file' })).end(content));
    }
    const [one, two] = batch.files;
    if (!one || !two) throw new Error('no file');
    expect(await world.service.release(one)).toBe(true);
    await batch.abandon();
    expect(await idsNow(session)).toEqual(ids(files));
    expect(await world.service.describe(session)).toMatchObject({ incomingCount: 0, incomingBytes: 0 });
    expect(await world.service.findResource(session, two.id)).toBeNull();

    const other = await world.service.beginBatch(session, 0);
    for (const content of ['one', 'two']) {
      await finished((await other.createFile({ type: 'audio_file' })).end(content));
    }
    const [released, placed] = other.files;
    if (!released || !placed) throw new Error('no file');
    await world.service.release(released);
    await other.place();
    expect(await idsNow(session)).toEqual(ids([...files.slice(1), placed]));
  });

  it('are refused to a file that another process has released', async () => {
    const { session } = await fullSession();
    const batch = await world.service.beginBatch(session, 0);
    await finished((await batch.createFile({ type: 'audio_file' })).end('one'));
    await world.store.releases.beginRelease(ids(batch.files), world.core.thisProcess.lease());
    await expect(batch.place()).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
    await batch.abandon();
    expect(await idsNow(session)).toHaveLength(3);
  });

  it('are refused after an end, and the files are removed', async () => {
    const { session } = await fullSession();
    const batch = await world.service.beginBatch(session, 0);
    await finished((await batch.createFile({ type: 'audio_file' })).end('one'));
    await world.service.end({ id: session.id });
    await expect(batch.place()).rejects.toMatchObject({ code: 'SESSION_GONE' });
    await batch.abandon();
    expect(await deleted(session)).toBe(true);
  });

  it('are not missed by a request that has itself ended its session', async () => {
    const { session } = await fullSession();
    const batch = await world.service.beginBatch(session, 0);
    await finished((await batch.createFile({ type: 'audio_file' })).end('one'));
    // Of two handlers at once, the one that ends it.
    const other = await world.service.beginBatch(session, 0);
    await finished((await other.createFile({ type: 'audio_file' })).end('two'));
    await other.ownEnds.watch(async () => {});
    await batch.ownEnds.watch(() => world.service.end({ id: session.id }));
    await batch.place();
    await expect(other.place()).rejects.toMatchObject({ code: 'SESSION_GONE' });
    for (const { ownEnds } of [batch, other]) ownEnds.stop();
    expect(await deleted(session)).toBe(true);
  });

  it('are asked for again while the store is away, with the answer of the first', async () => {
    const { session, files } = await fullSession();
    const evicted: string[] = [];
    world.service.events.on('resource.evicted', ({ resourceId }) => evicted.push(resourceId));
    const { resources } = world.store;
    const place = resources.place.bind(resources);
    let asked = 0;
    jest.spyOn(resources, 'place').mockImplementation(async (placement) => {
      asked += 1;
      const answer = await place(placement);
      if (answer === 'full' || asked > 4) return answer;
      throw new SessionsError('STORE_UNAVAILABLE', 'The answer is lost.');
    });
    await world.write(session, 10);
    expect(evicted).toEqual(ids(files.slice(0, 1)));
    expect(await world.service.describe(session)).toMatchObject({ resourceCount: 3, incomingCount: 0 });
    expect(await world.store.resources.find(evicted[0] ?? '')).toBeNull();
  });

  it('are refused with STORE_UNAVAILABLE when the store stays away for 5 s', async () => {
    const { session, files } = await fullSession();
    const away = new SessionsError('STORE_UNAVAILABLE', 'The store is away.');
    const place = jest.spyOn(world.store.resources, 'place').mockRejectedValue(away);
    const writing = world.write(session, 10);
    await eventually('it has asked again', async () => place.mock.calls.length > 2);
    world.clock.advance(5000);
    await expect(writing).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    place.mockRestore();
    expect(await idsNow(session)).toEqual(ids(files));
  });

  it('let no more files on their way in than in place; the next waits 5 s, then gets RESOURCES_IN_USE', async () => {
    const { session, files } = await fullSession();
    const sinks = await Promise.all([1, 2, 3].map(() => begun(session, 10)));
    const waiting = world.service.createFile(session, { type: 'audio_file' });
    let isRefused = false;
    waiting.catch(() => (isRefused = true));
    const reserve = jest.spyOn(world.store.resources, 'reserve');
    await eventually('it has asked again', async () => reserve.mock.calls.length > 2);
    world.clock.advance(4000);
    for (const sink of sinks) await new Promise((resolve) => sink.write('more', resolve));
    expect(isRefused).toBe(false);
    world.clock.advance(1000);
    await expect(waiting).rejects.toMatchObject({ code: 'RESOURCES_IN_USE' });
    expect(await idsNow(session)).toEqual(ids(files));

    const next = world.service.createFile(session, { type: 'audio_file' });
    sinks[0]?.destroy();
    (await next).destroy();
    for (const sink of sinks) sink.destroy();
  });

  it('are given to a waiting file by one that has received nothing for 5 s', async () => {
    const { session } = await fullSession();
    const [stalled, ...others] = await Promise.all([1, 2, 3].map(() => begun(session, 10)));
    if (!stalled) throw new Error('no sink');
    const failed = new Promise((resolve) => stalled.once('error', resolve));
    world.clock.advance(5000);
    for (const sink of others) await new Promise((resolve) => sink.write('more', resolve));
    const sink = await world.service.createFile(session, { type: 'audio_file' });
    expect(await failed).toMatchObject({ code: 'UPLOAD_ABORTED' });
    for (const other of [sink, ...others]) expect(other.destroyed).toBe(false);
    for (const other of [sink, ...others]) other.destroy();
  });

  it('are not kept free for a file that receives nothing for sinkIdleSeconds', async () => {
    const { session } = await world.open();
    const sink = await begun(session, 10);
    const failed = new Promise((resolve) => sink.once('error', resolve));
    world.clock.advance(899_999);
    await new Promise((resolve) => sink.write('more', resolve));
    world.clock.advance(899_999);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(sink.destroyed).toBe(false);
    world.clock.advance(1);
    expect(await failed).toMatchObject({ code: 'UPLOAD_ABORTED' });
    expect(await world.store.resources.list([session.id])).toEqual([]);
  });

  it('are not evicted for streams, which have a limit of their own', async () => {
    const { session, files } = await fullSession();
    const open = () => world.service.trackStream(session, { close() {} });
    const [first] = [await open(), await open()];
    await expect(open()).rejects.toMatchObject({ code: 'STREAMS_FULL' });
    await first.release();
    await open();
    const details = await world.service.describe(session);
    expect(details).toMatchObject({ resourceCount: 5, streamCount: 2 });
    expect(ids(details?.resources)).toEqual(expect.arrayContaining(ids(files)));
  });

  it('are kept by the files of a dead process only if they have them', async () => {
    if (store === 'memory') return;
    const other = await World.create(store, { maxResources: 3, maxBytes: 100 * KIB }, world);
    try {
      const { session, token, files } = await fullSession();
      const batch = await other.service.beginBatch(session, 0);
      await finished((await batch.createFile({ type: 'audio_file' })).end('one'));
      world.clock.advance(11_000);
      world.core.finder.touch(session.id, token.hash);
      await world.core.thisProcess.beat();
      await world.core.cleanup.run('orphans');
      expect(await idsNow(session)).toEqual(ids(files));
      expect(await world.store.resources.list([session.id])).toHaveLength(3);
      expect(await world.service.describe(session)).toMatchObject({ incomingCount: 0, incomingBytes: 0 });
    } finally {
      await other.close();
    }
  });
});

describe.each(STORES)('With onLimit reject, on %s', (store) => {
  it('what is in place and on its way counts together, and nothing is evicted', async () => {
    const world = await World.create(store, { maxResources: 3, maxBytes: 100 * KIB, onLimit: 'reject' });
    try {
      const { session } = await world.open();
      await world.write(session, 60 * KIB);
      await expect(world.service.beginBatch(session, 41 * KIB)).rejects.toMatchObject({
        code: 'RESOURCE_LIMIT_REACHED',
      });
      const sink = await world.service.createFile(session, { type: 'audio_file' });
      await new Promise((resolve) => sink.write(Buffer.alloc(40 * KIB), resolve));
      await expect(world.write(session, 1)).rejects.toMatchObject({ code: 'RESOURCE_LIMIT_REACHED' });
      await finished(sink.end());
      expect(await world.service.describe(session)).toMatchObject({ resourceCount: 2, bytesUsed: 100 * KIB });
    } finally {
      await world.close();
    }
  });
});
