import { buffer } from 'node:stream/consumers';
import { SessionsError } from '#sessions/domain/errors';
import { eventually } from '../support/eventually.js';
import { STORES, World } from '../support/world.js';

describe.each(STORES)('While the store %s is read-only', (store) => {
  let world: World;
  beforeEach(async () => (world = await World.create(store)));
  afterEach(async () => {
    jest.restoreAllMocks();
    await world.close();
  });

  /** As on a full disk: all that is read goes on. */
  function refuseWrites(): void {
    const full = new SessionsError('STORE_UNAVAILABLE', 'The disk of the session store is full.');
    const { sessions, fleet, resources } = world.store;
    jest.spyOn(sessions, 'touch').mockRejectedValue(full);
    jest.spyOn(fleet, 'heartbeat').mockRejectedValue(full);
    jest.spyOn(resources, 'use').mockRejectedValue(full);
    jest.spyOn(resources, 'unuse').mockRejectedValue(full);
  }

  it('a file can be read, and the session described', async () => {
    const { session, token } = await world.open();
    const resource = await world.write(session, Buffer.from('spoken'));
    world.core.finder.touch(session.id, token.hash);
    refuseWrites();
    world.clock.advance(10_000);
    const { stream } = await world.service.openResource(resource);
    expect((await buffer(stream)).toString()).toBe('spoken');
    expect(await world.service.describe(session)).toMatchObject({ id: session.id });
    expect(await world.service.list({ limit: 10, sort: 'created_at' })).toHaveLength(1);
  });

  it('a file of an ended session and a missing file cannot be read', async () => {
    const { session } = await world.open();
    const resource = await world.write(session, Buffer.from('spoken'));
    await world.store.endings.beginEnd(session.id, {
      reason: 'ended',
      at: world.clock.now(),
      lease: world.core.thisProcess.lease(),
    });
    refuseWrites();
    await expect(world.service.openResource(resource)).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
    const nothing = { id: resource.id.replace(/.$/, (last) => (last === '0' ? '1' : '0')) };
    await expect(world.service.openResource(nothing)).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
  });

  it('a logout of another device is refused, as only the store knows whose session that is', async () => {
    const { session } = await world.open();
    await world.service.login(session, 'ada');
    const full = new SessionsError('STORE_UNAVAILABLE', 'The disk of the session store is full.');
    jest.spyOn(world.store.endings, 'beginEnd').mockRejectedValue(full);
    await expect(world.service.endOneOf('eve', session.id)).rejects.toMatchObject({ code: full.code });
    await expect(world.service.describe(session)).resolves.toMatchObject({ userId: 'ada' });
    // What this process owes the store since a logout stays owed, whoever else asks for what.
    await world.service.end({ id: session.id });
    jest.restoreAllMocks();
    expect(await world.service.endOneOf('eve', session.id)).toBeNull();
    await eventually('the logout reaches the store', async () => {
      const record = await world.store.sessions.find(session.id);
      return record?.state !== 'open';
    });
  });

  it('touches stay pending, and are written once it is writable', async () => {
    const { session, token } = await world.open();
    world.clock.advance(5000);
    world.core.finder.touch(session.id, token.hash);
    refuseWrites();
    await world.service.describe(session);
    jest.restoreAllMocks();
    expect(await world.service.describe(session)).toMatchObject({ lastActivityAt: world.clock.now() });
  });
});
