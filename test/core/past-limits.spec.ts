import { CLIENT, STORES, World } from '../support/world.js';

const MINUTE = 60_000;

describe.each(STORES)('A session past its limits that no cleanup has ended, on %s', (store) => {
  let world: World;
  beforeEach(async () => (world = await World.create(store)));
  afterEach(() => world.close());

  /** A session with a user and a file, and what the application can read of it. */
  async function readable() {
    const { session } = await world.open();
    const token = await world.service.login(session, 'ada');
    const file = await world.write(session, 10);
    world.core.finder.touch(session.id, token.hash);
    await world.core.thisProcess.beat();
    const read = async () => {
      return {
        described: (await world.service.describe({ id: session.id })) !== null,
        listed: (await world.service.list({ limit: 10, sort: 'created_at' })).length > 0,
        ofUser: (await world.service.listByUser('ada')).length > 0,
        resource: (await world.service.findResource({ id: session.id }, file.id)) !== null,
      };
    };
    return { session, token, file, read };
  }

  const ALL = { described: true, listed: true, ofUser: true, resource: true };
  const NONE = { described: false, listed: false, ofUser: false, resource: false };

  it('is not handed out once it has idled', async () => {
    const { file, read } = await readable();
    world.clock.advance(15 * MINUTE - 1);
    expect(await read()).toEqual(ALL);
    world.clock.advance(1);
    expect(await read()).toEqual(NONE);
    await expect(world.service.openResource(file)).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
    expect((await world.service.totals()).open).toBe(1);
  });

  it('is not handed out once it has expired, whatever the activity', async () => {
    const { session, token, read } = await readable();
    for (let step = 0; step < 6; step += 1) {
      expect(await read()).toEqual(ALL);
      world.clock.advance(10 * MINUTE);
      world.core.finder.touch(session.id, token.hash);
    }
    expect(await read()).toEqual(NONE);
  });

  it('is handed out while this process knows of activity that is not in the store yet', async () => {
    const { session, token, read } = await readable();
    world.clock.advance(15 * MINUTE - 1);
    world.core.finder.touch(session.id, token.hash);
    world.clock.advance(1);
    expect((await world.service.listByUser('ada')).length).toBe(1);
    expect(await read()).toEqual(ALL);
  });

  it('leaves no gap in a list: later pages follow', async () => {
    const sort = 'created_at';
    const opened = [];
    for (let count = 0; count < 9; count += 1) {
      opened.push(await world.open({ ...CLIENT }));
      world.clock.advance(1);
    }
    for (const [index, { session, token }] of opened.entries()) {
      if (index % 3 === 0) world.core.finder.touch(session.id, token.hash);
    }
    world.clock.advance(MINUTE);
    const live = opened.filter((_, index) => index % 3 === 0).map(({ session }) => session.id);
    const first = await world.service.list({ limit: 2, sort });
    const { createdAt, id } = first.at(-1)!;
    const rest = await world.service.list({ limit: 2, sort, after: { value: createdAt, id } });
    expect([...first, ...rest].map((session) => session.id)).toEqual(live);
  });
});
