import type { Client } from '#sessions/domain/binding';
import { CLIENT, STORES, World } from '../support/world.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

describe.each(STORES)('A crowd of new clients, on %s', (store) => {
  let world: World;
  afterEach(() => world.close());

  /** A client whose cookie has come back. */
  async function visitor(client: Client = CLIENT): ReturnType<World['open']> {
    const opened = await world.open(client);
    world.core.finder.touch(opened.session.id, opened.token.hash);
    return opened;
  }

  it('evicts those whose cookie never came back: 20 visitors survive 400 one-shot sessions', async () => {
    world = await World.create(store, { maxSessions: 40 });
    const visitors = await Promise.all(Array.from({ length: 20 }, () => visitor()));
    const uploader = await world.open();
    await world.write(uploader.session, 10);
    world.clock.advance(SECOND);
    for (let shot = 0; shot < 400; shot += 1) {
      expect(await world.service.open(CLIENT)).toMatchObject({ kind: 'opened' });
    }
    for (const { token } of [...visitors, uploader]) expect(await world.kindOf(token)).toBe('live');
    expect(await world.service.totals()).toMatchObject({ open: 40, ended: { evicted: 381 } });
  });

  it('evicts those with a file next, and a session with a user never', async () => {
    world = await World.create(store, { maxSessions: 3 });
    const uploader = await world.open();
    await world.write(uploader.session, 10);
    const [idler, user] = [await visitor(), await visitor()];
    await world.service.login(user.session, 'ada');
    world.clock.advance(SECOND);
    const third = await visitor();
    expect(await world.kindOf(uploader.token)).toBe('ended');
    expect(await world.kindOf(idler.token)).toBe('live');
    world.clock.advance(SECOND);
    await visitor();
    // `kindOf` is no touch: the idler is the least recently used.
    expect(await world.kindOf(idler.token)).toBe('ended');
    expect(await world.service.describe(user.session)).not.toBeNull();
    expect(await world.kindOf(third.token)).toBe('live');
  });

  it('does not evict as unconfirmed a session whose cookie this process has just seen', async () => {
    world = await World.create(store, { maxSessions: 2 });
    const returned = await world.open();
    world.clock.advance(SECOND);
    const other = await world.open();
    world.core.finder.touch(returned.session.id, returned.token.hash);
    await world.open();
    expect(await world.kindOf(returned.token)).toBe('live');
    expect(await world.kindOf(other.token)).toBe('ended');
  });

  it('ends a session whose cookie never came back after a minute, as unconfirmed; others as idle', async () => {
    world = await World.create(store);
    const ended: string[] = [];
    world.service.events.on('session.ended', ({ reason }) => void ended.push(reason));
    await world.open();
    const returned = await visitor();
    const stranger = await world.open();
    world.clock.advance(MINUTE);
    expect(await world.kindOf(stranger.token)).toBe('ended');
    expect(await world.core.cleanup.run('idle')).toMatchObject({ items: 1 });
    expect(await world.kindOf(returned.token)).toBe('live');
    world.clock.advance(15 * MINUTE);
    await world.core.cleanup.run('idle');
    expect(ended).toEqual(['unconfirmed', 'unconfirmed', 'idle']);
    expect((await world.service.totals()).ended).toMatchObject({ idle: 1, unconfirmed: 2 });
  });

  it('limits the openings of one network in any minute, and not those of others', async () => {
    world = await World.create(store, { openRate: 2 });
    await visitor();
    await visitor();
    const refused = await world.service.open(CLIENT);
    expect(refused).toMatchObject({ kind: 'refused', reason: 'rate' });
    const { retryAfterSeconds } = refused as Extract<typeof refused, { kind: 'refused' }>;
    expect(retryAfterSeconds).toBeGreaterThan(60);
    expect(retryAfterSeconds).toBeLessThanOrEqual(65);
    const other = { ...CLIENT, ipAddress: '192.0.2.9' };
    expect(await world.service.open(other)).toMatchObject({ kind: 'opened' });
    world.clock.advance(MINUTE - 1);
    expect(await world.service.open(CLIENT)).toMatchObject({ reason: 'rate' });
    world.clock.advance(5 * SECOND + 1);
    expect(await world.service.open(CLIENT)).toMatchObject({ kind: 'opened' });
  });

  it('limits the sessions of one network whose cookie never came back, not those of a school', async () => {
    world = await World.create(store, { openRate: 1200, maxUnconfirmedPerNetwork: 5 });
    for (let group = 0; group < 72; group += 1) {
      await Promise.all(Array.from({ length: 5 }, () => visitor()));
      await world.core.thisProcess.beat();
    }
    for (let bot = 0; bot < 5; bot += 1) await world.open();
    const refused = { kind: 'refused', reason: 'unconfirmed', retryAfterSeconds: 60 };
    expect(await world.service.open(CLIENT)).toEqual(refused);
    expect(await world.service.open({ ...CLIENT, ipAddress: '192.0.2.9' })).toMatchObject({ kind: 'opened' });
    world.clock.advance(MINUTE);
    expect(await world.service.open(CLIENT)).toMatchObject({ kind: 'opened' });
  });

  it('counts an IPv6 /56 as one network, and clients without an address as none', async () => {
    world = await World.create(store, { openRate: 1 });
    const from = (ipAddress: string) => world.service.open({ ...CLIENT, ipAddress });
    expect(await from('2001:db8::1')).toMatchObject({ kind: 'opened' });
    expect(await from('2001:db8:0:ff::1')).toMatchObject({ reason: 'rate' });
    expect(await from('2001:db8:0:100::1')).toMatchObject({ kind: 'opened' });
    for (let count = 0; count < 3; count += 1) expect(await from('local')).toMatchObject({ kind: 'opened' });
  });
});

describe('A crowd at two processes', () => {
  it('has one opening rate, and one number of sessions whose cookie never came back', async () => {
    const options = { openRate: 20, maxUnconfirmedPerNetwork: 6 };
    const here = await World.create('sqlite', options);
    const there = await World.create('sqlite', options, here);
    try {
      const open = (count: number): ReturnType<World['service']['open']>[] =>
        Array.from({ length: count }, (_, index) => (index % 2 ? here : there).service.open(CLIENT));
      const first = await Promise.all(open(12));
      expect(first.filter(({ kind }) => kind === 'opened')).toHaveLength(6);
      for (const opening of first) {
        if (opening.kind === 'opened') there.core.finder.touch(opening.session.id, opening.token.hash);
      }
      expect(await here.service.open(CLIENT)).toMatchObject({ reason: 'unconfirmed' });
      await there.core.thisProcess.beat();
      let opened = 6;
      for (let round = 0; round < 10; round += 1) {
        for (const opening of await Promise.all(open(4))) {
          if (opening.kind !== 'opened') continue;
          opened += 1;
          there.core.finder.touch(opening.session.id, opening.token.hash);
        }
        await there.core.thisProcess.beat();
      }
      expect(opened).toBe(20);
      expect(await here.service.open(CLIENT)).toMatchObject({ reason: 'rate' });
    } finally {
      await there.close();
      await here.close();
    }
  });
});
