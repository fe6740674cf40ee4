import { randomUUID } from 'node:crypto';
import { inBucketOf } from '#sessions/domain/bucket';
import { rangeOf } from '#sessions/domain/listing/address-range';
import { matchingSessions } from '#sessions/operate/lists/matching-sessions';
import { filterOf, networkOf } from '#sessions/operate/lists/session-criteria';
import { readSessionFilter } from '#sessions/operate/lists/session-filter.query';
import { findSessionId } from '#sessions/operate/lists/session-id';
import { readSessionListQuery } from '#sessions/operate/lists/session-list.query';
import { resourceLimitsInUse } from '#sessions/core/process/limits-in-use';
import { SessionPage } from '#sessions/operate/lists/session-page';
import { topUsers } from '#sessions/operate/lists/user-page';
import { usedShare } from '#sessions/domain/limits';
import { loggedIn, MANY, newSession } from '#sessions/testing/store/store.fixtures';
import { World } from '../support/world.js';

const TEN_MINUTES = 600_000;

describe('What operators list', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.create('memory', { maxSessions: 1_000_000 });
  });
  afterEach(() => world.close());

  async function openMany(count: number, ipAddress = '192.0.2.1'): Promise<string[]> {
    const createdAt = world.clock.now();
    const times = { createdAt, expiresAt: createdAt + 3_600_000, idleMs: 3_600_000 };
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const session = newSession({ ...times, ipAddress, createdAt: createdAt + (index % 1000) });
      ids.push(session.id);
      await world.store.sessions.open(session, MANY);
    }
    return ids;
  }

  it('of 100,000 sessions, those that match: on one page where few do, in slices where many do', async () => {
    await openMany(99_990);
    const rare = await openMany(10, '2001:db8::7');
    const { config, clock, thisProcess } = world.core;
    const network = networkOf('2001:db8::/32')!;
    const query = { state: 'live', limit: 100, sort: '-created_at', after: null, resources: 'none' } as const;
    const page = await SessionPage.open(world.core, { ...query, criteria: { network } });
    expect(page.sessions.map(({ id }) => id).toSorted()).toEqual(rare.toSorted());
    expect((await page.end()).nextCursor).toBeNull();
    const filter = await filterOf(
      { config, clock, thisProcess },
      { idleMs: 0 },
      { asOf: clock.now() + 1000 },
    );
    const slices: number[] = [];
    for await (const slice of matchingSessions(world.core, filter, 2500)) slices.push(slice.length);
    expect(slices.reduce((sum, size) => sum + size, 0)).toBe(2500);
    expect(Math.max(...slices)).toBeLessThanOrEqual(1000);
  }, 60_000);

  it('a command judges by the limits of the server that started last, and by its own where none is alive', async () => {
    const { config, thisProcess } = world.core;
    const [server] = await thisProcess.listProcesses();
    const others = [10, 5, 7].map((maxResources, startedAt) => ({
      ...server!,
      startedAt: startedAt === 1 ? 9 : startedAt,
      limits: { ...server!.limits, maxResources, maxBytes: 1 },
    }));
    const found = jest.spyOn(thisProcess, 'listOtherServers').mockResolvedValue(others);
    expect(await resourceLimitsInUse(world.core)).toBe(config.limits);
    jest.spyOn(thisProcess, 'isServer', 'get').mockReturnValue(false);
    expect(await resourceLimitsInUse(world.core)).toEqual({ ...config.limits, maxResources: 5, maxBytes: 1 });
    found.mockResolvedValue([]);
    expect(await resourceLimitsInUse(world.core)).toBe(config.limits);
    jest.restoreAllMocks();
  });

  it('a filter of a deed is that of the moment when it was shown', async () => {
    const shownAt = world.clock.now() + TEN_MINUTES;
    const criteria = { idleMs: 1000, userId: 'ada', bytesAbove: 5, nearPercent: 50 };
    const filter = await filterOf(world.core, criteria, { asOf: shownAt, upTo: true });
    const { maxResources, maxBytes, maxStreams } = world.core.config.limits;
    expect(filter).toEqual({
      userId: 'ada',
      bytesAbove: 5,
      idleSince: shownAt - 1000,
      openedUntil: shownAt,
      above: { files: maxResources / 2 - 1, bytes: maxBytes / 2 - 1, streams: maxStreams / 2 - 1 },
    });
  });

  it('a session by the beginning of its id, if no other begins alike, live or over', async () => {
    const { session } = await world.open();
    const { id } = session;
    const other = inBucketOf(id, randomUUID());
    await world.store.sessions.open(newSession({ id: other }), MANY);
    let length = 4;
    while (other.startsWith(id.slice(0, length))) length += 1;
    const prefix = id.slice(0, length);
    expect(await findSessionId(world.core, prefix)).toEqual({ kind: 'found', id });
    expect(await findSessionId(world.core, prefix.toUpperCase())).toEqual({ kind: 'found', id });
    expect(await findSessionId(world.core, id)).toEqual({ kind: 'found', id });
    expect(await findSessionId(world.core, id.slice(0, 3))).toEqual({ kind: 'none' });
    expect(await findSessionId(world.core, `${prefix}%`)).toEqual({ kind: 'none' });
    const twin = `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`;
    await world.store.sessions.open(newSession({ id: twin }), MANY);
    const ids = [id, twin].toSorted();
    expect(await findSessionId(world.core, prefix)).toEqual({ kind: 'several', ids });
    await world.service.end(session, 'ended', { thorough: true });
    expect(await findSessionId(world.core, id.slice(0, 30))).toEqual({ kind: 'several', ids });
  });

  it('the users who have most, of more than a page', async () => {
    for (let user = 0; user < 1030; user += 1) {
      for (let count = 0; count < (user === 1025 ? 3 : 1 + Number(user === 7)); count += 1) {
        const session = newSession({ createdAt: world.clock.now() });
        await world.store.sessions.open(session, MANY);
        await loggedIn(world.store, session, `user-${String(user).padStart(4, '0')}`);
      }
    }
    const top = await topUsers(world.core, 'sessions', 3);
    expect(top.map(({ userId, sessions }) => [userId, sessions])).toEqual([
      ['user-1025', 3],
      ['user-0007', 2],
      ['user-0000', 1],
    ]);
  }, 30_000);

  it('the largest share of a limit', () => {
    const limits = { maxResources: 10, maxBytes: 1000, maxStreams: 4, onLimit: 'evict' } as const;
    const share = (resourceCount: number, bytesUsed: number, streamCount: number): number =>
      usedShare({ resourceCount, bytesUsed, streamCount }, limits);
    expect([share(0, 0, 0), share(5, 0, 0), share(5, 0, 3), share(1, 999, 0), share(1, 1500, 0)]).toEqual([
      0, 50, 75, 99, 150,
    ]);
  });
});

describe('What operators give to list sessions', () => {
  it('a filter of a deed takes numbers, and is never empty', () => {
    expect(readSessionFilter({ idle_over: 300, bytes_over: '5', user_id: 'ada' })).toEqual({
      kind: 'valid',
      query: { userId: 'ada', idleMs: 300_000, bytesAbove: 5 },
    });
    expect(readSessionFilter({ ip: '10.0.0.0/8' })).toEqual({
      kind: 'valid',
      query: { network: rangeOf('10.0.0.0', 8) },
    });
    const rest = 'use user_id, ip, idle_over, bytes_over, near_limit';
    expect(readSessionFilter({})).toEqual({ kind: 'invalid', faults: [`no filter: ${rest}`] });
    for (const given of [{ limit: '5' }, { sort: 'created_at' }, { userId: 'ada' }]) {
      expect(readSessionFilter(given)).toEqual({ kind: 'invalid', faults: [`unknown parameter: ${rest}`] });
    }
    for (const wrong of [
      { idle_over: 1.5 },
      { idle_over: -1 },
      { near_limit: null },
      { ip: null },
      { ip: {} },
    ]) {
      const given = { user_id: 'ada', ...wrong };
      expect([wrong, readSessionFilter(given)]).toMatchObject([wrong, { kind: 'invalid' }]);
    }
  });

  it('faults have the names that the reader of them knows', () => {
    const names = { limit: '--limit', cursor: '--cursor', sort: '--sort', ip: '--ip' };
    expect(readSessionListQuery({ ip: 'x', cursor: 'y' }, names)).toEqual({
      kind: 'invalid',
      faults: ['--ip must be an address, or a network such as 192.0.2.0/24 or 2001:db8::/32'],
    });
    expect(readSessionListQuery({ cursor: 'y' }, names)).toEqual({
      kind: 'invalid',
      faults: ['--cursor must be the next_cursor of another page with the same --sort'],
    });
    expect(readSessionListQuery({ state: 'live' }, names)).toEqual({
      kind: 'invalid',
      faults: ['unknown parameter: use --limit, --cursor, --sort, --ip'],
    });
  });
});
