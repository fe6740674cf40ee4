import { trendStart, TREND_SPAN_NAMES, sumOfCounts, type TrendCounts } from '#sessions/domain/trends/trend';
import type { SessionsOptions } from '#sessions/core/config/config';
import { eventually } from '../support/eventually.js';
import { STORES, World } from '../support/world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe.each(STORES)('Trends on the store %s', (store) => {
  let world: World;
  const start = async (options: SessionsOptions = {}): Promise<World> =>
    (world = await World.create(store, options));
  afterEach(async () => {
    jest.restoreAllMocks();
    await world.close();
  });

  const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
  const sumBy = async (span: (typeof TREND_SPAN_NAMES)[number]): Promise<TrendCounts> =>
    sumOfCounts((await world.store.trends.read({ span, ...all })).map(({ counts }) => counts));

  it('of deeds agree with the totals, by minute, hour and day', async () => {
    await start({ maxResources: 2, maxSessions: 4 });
    let written = 0;
    for (let round = 0; round < 12; round += 1) {
      const { session } = await world.open();
      if (round % 3 === 0) await world.service.login(session, `user-${round}`);
      for (let file = 0; file < round % 4; file += 1) {
        await world.write(session, 100 + round, file % 2 === 0 ? 'audio_file' : 'file');
        written += 1;
      }
      world.clock.advance(7 * MINUTE + round);
      if (round % 2 === 0) await world.service.end(session);
      await world.core.cleanup.runAll();
    }
    const { created, ended, endedDurationMs, types } = await world.store.ledger.totals();
    const ends = Object.entries(ended).filter(([, count]) => count > 0);
    for (const span of TREND_SPAN_NAMES) {
      const counts = await sumBy(span);
      expect([span, counts['opened'], counts['logins'], counts['evicted']]).toEqual([
        span,
        created,
        4,
        types.reduce((sum, type) => sum + type.evicted, 0),
      ]);
      const endings = Object.entries(counts).filter(([name]) => name.startsWith('ended:'));
      expect(Object.fromEntries(endings)).toEqual(
        Object.fromEntries(ends.map(([reason, count]) => [`ended:${reason}`, count])),
      );
      for (const { type, activeBytes, releasedBytes } of types)
        expect(counts[`bytes:${type}`]).toBe(activeBytes + releasedBytes);
      expect((counts['files:audio_file'] ?? 0) + (counts['files:file'] ?? 0)).toBe(written);
      const durations = Object.entries(counts).filter(([name]) => name.startsWith('duration:'));
      expect(durations.reduce((sum, [, count]) => sum + count, 0)).toBe(
        ends.reduce((sum, [, count]) => sum + count, 0),
      );
    }
    expect(endedDurationMs).toBeGreaterThan(0);
  });

  it('count the requests of a session as the session does', async () => {
    await start();
    const { session, token } = await world.open();
    for (let request = 0; request < 5; request += 1) world.core.finder.touch(session.id, token.hash);
    world.clock.advance(MINUTE);
    await world.core.trends.flush();
    await world.core.thisProcess.beat();
    const { requestCount } = (await world.store.sessions.find(session.id))!;
    expect([requestCount, (await sumBy('minute'))['requests']]).toEqual([6, 6]);
  });

  it('have the most open sessions, and users of them, that a check of the alerts has seen', async () => {
    await start();
    const { session } = await world.open();
    for (const user of ['ada', 'ada', 'eve']) await world.service.login((await world.open()).session, user);
    await world.core.alerts.check();
    await world.service.end(session);
    await world.service.endAllOf('eve');
    await world.core.alerts.check();
    world.clock.advance(MINUTE);
    await world.core.trends.flush();
    expect(await sumBy('hour')).toMatchObject({ peak_open: 4, peak_users: 2 });
  });

  it('are sent soon after the end of each minute', async () => {
    await start();
    world.core.events.emit('session.refused', { reason: 'full' });
    world.clock.advance(MINUTE);
    await eventually('the count is in the store', async () => (await sumBy('day'))['refused:full'] === 1);
    expect((await sumBy('minute'))['refused:full']).toBe(1);
  });

  it('of the last minute are sent when the process stops', async () => {
    await start();
    const add = jest.spyOn(world.store.trends, 'add');
    world.core.events.emit('session.refused', { reason: 'full' });
    await world.core.quiesce();
    await world.core.stop();
    expect(add.mock.calls).toEqual([
      [
        {
          processId: world.core.thisProcess.id,
          number: 1,
          at: trendStart('minute', world.clock.now()),
          counts: { 'refused:full': 1 },
        },
      ],
    ]);
  });

  it('are dropped by the cleanup when they are old, unless the clock is in doubt', async () => {
    await start();
    await world.open();
    const count = async (): Promise<number[]> =>
      Promise.all(
        TREND_SPAN_NAMES.map(async (span) => (await world.store.trends.read({ span, ...all })).length),
      );
    expect(await count()).toEqual([1, 1, 1]);
    const kept: number[][] = [];
    const prune = jest.spyOn(world.store.trends, 'prune');
    for (const ms of [49 * HOUR, 29 * DAY, 371 * DAY]) {
      world.clock.advance(ms);
      const doubt = jest.spyOn(world.core.clockTrust, 'isTrusted', 'get').mockReturnValue(false);
      await world.core.cleanup.run('orphans');
      doubt.mockRestore();
      expect(prune).not.toHaveBeenCalled();
      await world.core.cleanup.run('orphans');
      prune.mockClear();
      // The cleanup itself is counted as well.
      const opened = await Promise.all(
        TREND_SPAN_NAMES.map(async (span) => (await sumBy(span))['opened'] ?? 0),
      );
      kept.push(opened);
    }
    expect(kept).toEqual([
      [0, 1, 1],
      [0, 0, 1],
      [0, 0, 0],
    ]);
  });
});
