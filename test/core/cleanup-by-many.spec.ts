import type { World } from '../support/world.js';
import { Machines, sharedRedis, type SharedStore } from './node-worlds.js';

const SESSIONS = 3000;
const HOUR = 3_600_000;

/** No leader: every server cleans up, all at the same time. */
describe('Three servers that clean up one Redis', () => {
  let shared: SharedStore;
  let machines: Machines;
  let servers: World[];
  let ended: string[];

  beforeAll(async () => {
    shared = await sharedRedis();
  });
  afterAll(() => shared.stop());
  beforeEach(async () => {
    machines = new Machines(shared);
    servers = [];
    ended = [];
    for (let count = 0; count < 3; count += 1) {
      const server = await machines.start();
      server.service.events.on('session.ended', ({ sessionId }) => ended.push(sessionId));
      servers.push(server);
    }
  });
  afterEach(() => machines.close());

  async function openMany(): Promise<void> {
    const [first] = servers;
    for (let count = 0; count < SESSIONS; count += 500) {
      await Promise.all(Array.from({ length: 500 }, async () => first?.open()));
    }
    machines.clock.advance(HOUR);
    await Promise.all(servers.map((server) => server.core.thisProcess.beat()));
  }

  it('end every due session once, and move apart when they pick the same batch', async () => {
    await openMany();
    const begins = servers.map((server) => jest.spyOn(server.store.endings, 'beginEnd'));
    const reports = await Promise.all(servers.map((server) => server.core.cleanup.run('expired')));
    expect(reports.reduce((sum, { items }) => sum + items, 0)).toBe(SESSIONS);
    expect([ended.length, new Set(ended).size]).toEqual([SESSIONS, SESSIONS]);
    expect(await servers[0]?.store.ledger.totals()).toMatchObject({
      open: 0,
      ending: 0,
      ended: { expired: SESSIONS },
    });
    // Each of the three asking for each session would be three times as many.
    expect(begins.reduce((sum, { mock }) => sum + mock.calls.length, 0)).toBeLessThan(2 * SESSIONS);
  });

  it('finish the work of one that died', async () => {
    const [dying, ...others] = servers;
    const { session } = await dying!.open();
    jest.spyOn(dying!.store.endings, 'finishEnd').mockRejectedValue(new Error('killed'));
    await dying!.service.end(session, 'admin');
    machines.clock.advance(60_000);
    await others[0]?.core.cleanup.run('orphans');
    expect((await others[0]?.store.sessions.find(session.id))?.state).toBe('ended');
    expect(ended).toEqual([session.id]);
  });
});
