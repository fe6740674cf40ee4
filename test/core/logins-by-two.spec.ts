import { Session } from '#sessions/core/handles/session';
import type { SessionToken } from '#sessions/core/tokens/session-token';
import { CLIENT, type World } from '../support/world.js';
import { type Machines, onMachines, SHARED_STORES, type SharedStore } from './node-worlds.js';

const ROUNDS = 200;

describe.each(SHARED_STORES)('Logins by two processes on %s', (_name, share) => {
  let shared: SharedStore;
  let machines: Machines;
  let here: World;
  let there: World;

  onMachines(share, async (given, store) => {
    machines = given;
    shared = store;
    here = await machines.start();
    there = await machines.start();
  });

  async function userBy(world: World, token: SessionToken): Promise<string | null> {
    const found = await world.service.identify(token.reveal(), CLIENT);
    return found.kind === 'live' ? found.record.userId : found.kind;
  }

  async function sessionBy(world: World, token: SessionToken): Promise<Session> {
    const found = await world.service.identify(token.reveal(), CLIENT);
    if (found.kind !== 'live') throw new Error(`The token is ${found.kind}`);
    return new Session(found.record);
  }

  it(`never give anybody a token of somebody else's session: two at once, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { token } = await here.open();
      const sessions = await Promise.all([here, there].map((world) => sessionBy(world, token)));
      const ifTaken = round % 2 === 0 ? 'refuse' : 'restart';
      const logins = await Promise.allSettled([
        here.service.login(sessions[0]!, 'ada', { ifTaken }),
        there.service.login(sessions[1]!, 'eve', { ifTaken }),
      ]);
      const outcomes = await Promise.all(
        logins.map((login) =>
          login.status === 'fulfilled'
            ? userBy(here, login.value)
            : Reflect.get(login.reason as object, 'code'),
        ),
      );
      expect([
        ['ada', 'SESSION_STALE'],
        ['SESSION_STALE', 'eve'],
      ]).toContainEqual(outcomes);
    }
  }, 120_000);

  it('do not let a session object of before a lost write into the session of another', async () => {
    const { session, token } = await here.open();
    const twin = await sessionBy(there, token);
    const restore = await shared.snapshot(machines.name);
    await here.service.login(session, 'ada');
    await restore();
    // The old token is good again, and nobody's.
    expect(await userBy(there, token)).toBeNull();
    const eves = await there.service.login(twin, 'eve');
    // As many logins as the object of ada's knows of, and yet another token.
    for (const work of [
      () => here.service.regenerate(session),
      () => here.service.login(session, 'ada'),
      () => here.service.login(session, 'ada', { ifTaken: 'restart' }),
      () => here.service.describe(session),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: 'SESSION_STALE' });
    }
    expect(await userBy(here, eves)).toBe('eve');
  });
});
