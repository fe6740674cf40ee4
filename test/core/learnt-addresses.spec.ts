import { eventually } from '../support/eventually.js';
import { CLIENT, type World } from '../support/world.js';
import { onMachines, SHARED_STORES } from './node-worlds.js';

const V6 = { ...CLIENT, ipAddress: '2001:db8::1' };
const OTHER_V6 = { ...CLIENT, ipAddress: '2001:db8:0:1::1' };

describe.each(SHARED_STORES)('An address that one of two processes learns, on %s', (_name, share) => {
  let here: World;
  let there: World;
  const told: [where: string, family: number][] = [];

  onMachines(share, async (machines) => {
    here = await machines.start();
    there = await machines.start();
    told.length = 0;
    for (const [name, world] of [
      ['here', here],
      ['there', there],
    ] as const) {
      world.service.events.on('session.address-learnt', ({ family }) => told.push([name, family]));
    }
  });

  it('is valid in the other, and makes any second one a mismatch in both', async () => {
    const { token } = await here.open();
    expect(await there.kindOf(token)).toBe('live');
    expect(await here.kindOf(token, V6)).toBe('live');
    expect(told).toEqual([['here', 6]]);
    for (const world of [here, there]) {
      expect(await world.kindOf(token, OTHER_V6)).toBe('mismatch');
      for (const client of [V6, CLIENT]) expect(await world.kindOf(token, client)).toBe('live');
    }
    expect(told).toHaveLength(1);
  });

  it('reaches the cache of the other within a second', async () => {
    const { session, token } = await here.open();
    expect(await there.kindOf(token)).toBe('live');
    const cached = () => Reflect.get(there.core.finder, 'context').cache.peek(token.hash)?.record;
    expect(cached()).toMatchObject({ id: session.id, otherAddress: null });
    expect(await here.kindOf(token, V6)).toBe('live');
    const learntAt = performance.now();
    // What is outdated is dropped; the next look-up reads the store.
    await eventually('the cache drops the session', async () => cached() === undefined);
    expect(performance.now() - learntAt).toBeLessThan(1000);
    expect(await there.kindOf(token, V6)).toBe('live');
    expect(cached()).toMatchObject({ otherAddress: V6.ipAddress });
  });

  it('is one of those that come at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { token } = await here.open();
      told.length = 0;
      const kinds = await Promise.all([
        here.kindOf(token, V6),
        there.kindOf(token, OTHER_V6),
        here.kindOf(token),
        there.kindOf(token),
      ]);
      expect(kinds.slice(0, 2).toSorted()).toEqual(['live', 'mismatch']);
      expect(kinds.slice(2)).toEqual(['live', 'live']);
      expect(told).toHaveLength(1);
    }
  });
});
