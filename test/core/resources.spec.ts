import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { STORES, World } from '../support/world.js';

const KIB = 1024;

describe.each(STORES)('Resources on %s', (store) => {
  let world: World;
  beforeEach(async () => (world = await World.create(store, { maxResources: 3, maxBytes: 100 * KIB })));
  afterEach(() => world.close());

  it('reads the bytes that were written, whole and in part', async () => {
    const { session } = await world.open();
    const content = randomBytes(50 * KIB);
    const resource = await world.write(session, content);
    expect(resource).toMatchObject({ state: 'ready', sizeBytes: content.length });
    const whole = await world.service.openResource(resource);
    expect((await buffer(whole.stream)).equals(content)).toBe(true);
    const part = await world.service.openResource(resource, { start: 10, end: 19 });
    expect((await buffer(part.stream)).equals(content.subarray(10, 20))).toBe(true);
  });

  it('finds a resource only for its own session', async () => {
    const mine = await world.open();
    const other = await world.open();
    const resource = await world.write(mine.session, 10);
    expect(await world.service.findResource(mine.session, resource.id)).toMatchObject({ id: resource.id });
    expect(await world.service.findResource(other.session, resource.id)).toBeNull();
    expect(await world.service.findResource(mine.session, '../../etc/passwd')).toBeNull();
  });

  it('releases what it reserved for a file to adopt, also if the storage cannot undo the adoption', async () => {
    const { session } = await world.open();
    const failing = () => Promise.reject(new Error('the disk is away'));
    const adoption = { sizeBytes: 10, place: failing, complete: failing, abort: failing };
    jest.spyOn(world.storage, 'adopt').mockResolvedValueOnce(adoption);
    await expect(
      world.service.adoptFile(session, '/somewhere/a.wav', { type: 'audio_file' }),
    ).rejects.toThrow('the disk is away');
    expect(await world.service.describe(session)).toMatchObject({ resourceCount: 0, bytesUsed: 0 });
  });

  it('evicts the least recently used at the count limit, with events', async () => {
    const evicted: string[] = [];
    world.service.events.on('resource.evicted', ({ resourceId }) => evicted.push(resourceId));
    const { session } = await world.open();
    const made = [];
    for (let count = 0; count < 3; count += 1) {
      made.push(await world.write(session, 10));
      world.clock.advance(1000);
    }
    const [first, second] = made;
    if (!first || !second) throw new Error('nothing made');
    await buffer((await world.service.openResource(first)).stream);
    await expectEventually(async () => expect((await world.store.resources.find(first.id))?.uses).toBe(0));
    await world.write(session, 10);
    expect(evicted).toEqual([second.id]);
    expect(await world.service.describe(session)).toMatchObject({ resourceCount: 3, bytesUsed: 30 });
  });

  it('evicts nothing while a file streams in, and what it needs when it is complete', async () => {
    const { session } = await world.open();
    const old = await world.write(session, 60 * KIB);
    world.clock.advance(1);
    const sink = await world.service.createFile(session, { type: 'audio_file' });
    await new Promise((resolve) => sink.write(Buffer.alloc(70 * KIB), resolve));
    expect(await world.service.findResource(session, old.id)).toMatchObject({ state: 'ready' });
    expect(await world.service.describe(session)).toMatchObject({
      resourceCount: 1,
      bytesUsed: 60 * KIB,
      incomingCount: 1,
      resources: [{ id: old.id }],
    });
    sink.end();
    await finished(sink);
    expect(await world.service.findResource(session, old.id)).toBeNull();
    expect(await world.service.describe(session)).toMatchObject({
      resourceCount: 1,
      bytesUsed: 70 * KIB,
      incomingCount: 0,
      incomingBytes: 0,
    });
  });

  it('evicts nothing for a file that grows too large, or is given up', async () => {
    const { session } = await world.open();
    const kept = await Promise.all([1, 2, 3].map(() => world.write(session, 30 * KIB)));
    await expect(world.write(session, 100 * KIB + 1)).rejects.toMatchObject({ code: 'RESOURCE_TOO_LARGE' });
    const sink = await world.service.createFile(session, { type: 'audio_file' });
    await new Promise((resolve) => sink.write(Buffer.alloc(99 * KIB), resolve));
    sink.destroy();
    await finished(sink).catch(() => {});
    const details = await world.service.describe(session);
    expect(details).toMatchObject({ resourceCount: 3, incomingCount: 0, incomingBytes: 0 });
    expect(details?.resources.map(({ id }) => id).toSorted()).toEqual(kept.map(({ id }) => id).toSorted());
  });

  it('refuses a file that never fits, and keeps nothing of it', async () => {
    const { session } = await world.open();
    await expect(world.write(session, 100 * KIB + 1)).rejects.toMatchObject({ code: 'RESOURCE_TOO_LARGE' });
    expect(await world.service.describe(session)).toMatchObject({ resourceCount: 0, bytesUsed: 0 });
    await world.write(session, 100 * KIB);
  });

  it('never evicts a file that is being read: the new one is overdrawn until it can have its place', async () => {
    const { session } = await world.open();
    const reading = [];
    for (let count = 0; count < 3; count += 1) {
      reading.push(await world.service.openResource(await world.write(session, 10)));
      world.clock.advance(1);
    }
    const overdrawn = await world.write(session, 10);
    expect(overdrawn).toMatchObject({ state: 'ready', overdrawn: true, processId: null });
    expect(await buffer((await world.service.openResource(overdrawn)).stream)).toHaveLength(10);
    const before = await world.service.describe(session);
    expect(before).toMatchObject({ resourceCount: 3, incomingCount: 1, incomingBytes: 10 });
    expect(before?.resources).toHaveLength(4);
    for (const { stream } of reading) await buffer(stream);
    await expectEventually(async () =>
      expect(await world.service.describe(session)).toMatchObject({ resourceCount: 3, incomingCount: 0 }),
    );
    expect(await world.service.findResource(session, overdrawn.id)).toMatchObject({ overdrawn: false });
  });

  it('gives overdrawn files their places with a cleanup, too', async () => {
    const { session, token } = await world.open();
    const reading = [];
    for (let count = 0; count < 3; count += 1) {
      reading.push(await world.service.openResource(await world.write(session, 10)));
    }
    const overdrawn = await world.write(session, 10);
    const unuse = jest.spyOn(world.store.resources, 'unuse').mockResolvedValue(false);
    for (const { resource, stream } of reading) {
      await buffer(stream);
      await expectEventually(() => expect(unuse.mock.calls.map(([id]) => id)).toContain(resource.id));
    }
    unuse.mockRestore();
    for (const { resource } of reading) {
      await world.store.resources.unuse(resource.id, world.core.thisProcess.id, world.clock.now());
    }
    world.clock.advance(1);
    world.core.finder.touch(session.id, token.hash);
    expect(await world.core.cleanup.run('orphans')).toMatchObject({ failures: 0 });
    expect(await world.service.findResource(session, overdrawn.id)).toMatchObject({ overdrawn: false });
    expect(await world.service.describe(session)).toMatchObject({ resourceCount: 3, incomingCount: 0 });
  });

  it('continues to read a file that is released meanwhile', async () => {
    const { session } = await world.open();
    const content = randomBytes(90 * KIB);
    const resource = await world.write(session, content);
    const { stream } = await world.service.openResource(resource);
    expect(await world.service.release(resource)).toBe(true);
    expect(await world.service.release(resource)).toBe(false);
    expect((await buffer(stream)).equals(content)).toBe(true);
    await expect(world.service.openResource(resource)).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
  });

  it('keeps nothing of an aborted write', async () => {
    const { session } = await world.open();
    const sink = await world.service.createFile(session, { type: 'audio_file' });
    sink.write(Buffer.alloc(10 * KIB));
    sink.destroy();
    await finished(sink).catch(() => {});
    expect(await world.service.describe(session)).toMatchObject({ resourceCount: 0, bytesUsed: 0 });
  });

  it('cuts writers, readers and streams off when their session ends', async () => {
    const { session } = await world.open();
    const resource = await world.write(session, 50 * KIB);
    const reader = await world.service.openResource(resource);
    const sink = await world.service.createFile(session, { type: 'audio_file' });
    const closed: string[] = [];
    await world.service.trackStream(session, { close: (reason) => void closed.push(reason) });
    const outcomes = [finished(reader.stream), finished(sink)];
    await world.service.end(session, 'admin', { thorough: true });
    for (const outcome of await Promise.allSettled(outcomes)) expect(outcome.status).toBe('rejected');
    expect(closed).toEqual(['admin']);
    expect(await world.store.resources.list([session.id])).toEqual([]);
  });

  it('does not open a stream as a file, and records no use of it', async () => {
    const { session } = await world.open();
    const { resourceId } = await world.service.trackStream(session, { close() {} });
    const opening = world.service.openResource({ id: resourceId });
    await expect(opening).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
    expect(await world.store.resources.find(resourceId)).toMatchObject({ uses: 0 });
  });

  it('refuses a stream on a session that is over', async () => {
    const { session } = await world.open();
    await world.service.end(session);
    await expect(world.service.trackStream(session, { close() {} })).rejects.toMatchObject({
      code: 'SESSION_GONE',
    });
  });

  it('never exceeds its limits, with any number of concurrent writers', async () => {
    const { session } = await world.open();
    let most = 0;
    const { resources } = world.store;
    const grow = resources.grow.bind(resources);
    const place = resources.place.bind(resources);
    const noteUsage = async (): Promise<void> => {
      const record = await world.store.sessions.find(session.id);
      most = Math.max(most, record?.bytesUsed ?? 0, record?.incomingBytes ?? 0);
    };
    jest.spyOn(resources, 'grow').mockImplementation(async (...demand) => {
      const outcome = await grow(...demand);
      await noteUsage();
      return outcome;
    });
    jest.spyOn(resources, 'place').mockImplementation(async (placement) => {
      const outcome = await place(placement);
      await noteUsage();
      return outcome;
    });
    await Promise.allSettled(
      Array.from({ length: 16 }, (_, index) => world.write(session, (index + 1) * 5 * KIB)),
    );
    const details = await world.service.describe(session);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(100 * KIB);
    expect(details?.resources.length).toBeLessThanOrEqual(3);
    expect(details?.bytesUsed).toBe(details?.resources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  });

  it('refuses an unknown type, and accepts one that the application added', async () => {
    const { session } = await world.open();
    await expect(world.service.createFile(session, { type: 'image_file' })).rejects.toMatchObject({
      code: 'RESOURCE_TYPE_UNKNOWN',
    });
  });

  it('keeps file names as data on one line', async () => {
    const { session } = await world.open();
    const sink = await world.service.createFile(session, {
      type: 'audio_file',
      fileName: `../../etc/pass\u202Ewd\r\nX: y\u0000${'x'.repeat(300)}`,
    });
    sink.end('x');
    await finished(sink);
    expect(sink.resource.fileName).toMatch(/^\.\.\/\.\.\/etc\/pass wd X: y x+$/);
    expect(sink.resource.fileName).toHaveLength(255);
  });
});

describe.each(STORES)('The first MiB of a file, on %s', (store) => {
  const MIB = 1024 * KIB;
  let world: World;
  beforeEach(async () => (world = await World.create(store, { maxResources: 5, maxBytes: 3 * MIB })));
  afterEach(() => world.close());

  it('is reserved with the file, in one step, and its unused rest is given back', async () => {
    const grow = jest.spyOn(world.store.resources, 'grow');
    const { session } = await world.open();
    const sink = await world.service.createFile(session, { type: 'audio_file' });
    expect(await world.service.describe(session)).toMatchObject({ incomingCount: 1, incomingBytes: MIB });
    sink.end(randomBytes(40 * KIB));
    await finished(sink);
    expect(grow).not.toHaveBeenCalled();
    expect(await world.service.describe(session)).toMatchObject({ resourceCount: 1, bytesUsed: 40 * KIB });
  });

  it('is not reserved if it would not fit', async () => {
    const { session } = await world.open();
    const old = await world.write(session, 2.5 * MIB);
    const young = await world.write(session, 10 * KIB);
    expect(await world.service.findResource(session, old.id)).not.toBeNull();
    expect(await world.service.findResource(session, young.id)).not.toBeNull();
  });
});

describe.each(STORES)('With onLimit reject, on %s', (store) => {
  it('refuses the new one and keeps the old ones', async () => {
    const world = await World.create(store, { maxResources: 1, onLimit: 'reject' });
    try {
      const { session } = await world.open();
      const kept = await world.write(session, 10);
      await expect(world.write(session, 10)).rejects.toMatchObject({ code: 'RESOURCE_LIMIT_REACHED' });
      expect(await world.service.findResource(session, kept.id)).not.toBeNull();
    } finally {
      await world.close();
    }
  });
});

async function expectEventually(check: () => unknown): Promise<void> {
  const deadline = Date.now() + 5000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
