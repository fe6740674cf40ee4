import { randomUUID } from 'node:crypto';
import { SessionsError } from '#sessions/domain/errors';
import type { SessionFilter } from '#sessions/domain/listing/session-filter';
import type { AuditEntry } from '#sessions/domain/journal/audit-entry';
import { planBulk, runBulk } from '#sessions/operate/bulk/bulk';
import { MOST_FAILURES, MOST_IN_BULK, type BulkTarget } from '#sessions/operate/bulk/bulk-report';
import { OperatorDeeds } from '#sessions/operate/journal/operator-deeds';
import { STORES, World } from '../support/world.js';

const BY = { kind: 'cli', user: 'root', host: 'here' } as const;
const MINUTE = 60_000;
const silent = { debug() {}, log() {}, warn() {}, error() {} };
const away = new SessionsError('STORE_UNAVAILABLE', 'no');

describe.each(STORES)('Ending many sessions, on %s', (store) => {
  let world: World;
  let deeds: OperatorDeeds;

  beforeEach(async () => {
    world = await World.create(store);
    deeds = new OperatorDeeds(world.core, { by: BY, network: null }, silent);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await world.close();
  });

  async function openMany(count: number): Promise<string[]> {
    const ids: string[] = [];
    while (ids.length < count) {
      const some = Array.from({ length: Math.min(500, count - ids.length) }, () => world.open());
      ids.push(...(await Promise.all(some)).map(({ session }) => session.id));
    }
    return ids;
  }

  const run = (target: BulkTarget, options = {}) => runBulk(world.core, deeds, target, options);
  const idleFor = (ms: number): SessionFilter => ({ idleSince: world.clock.now() - ms });
  const stateOf = async (id: string) => (await world.store.sessions.find(id))?.state;

  async function audit(): Promise<AuditEntry[]> {
    const range = { from: 0, to: Number.MAX_SAFE_INTEGER, limit: 1000 };
    return [...(await world.store.audit.read(range)).entries];
  }

  it('a dry run counts what matches, and what it holds, and changes nothing', async () => {
    const { session } = await world.open();
    await world.write(session, 30);
    await openMany(2);
    const report = await planBulk(world.core, { filter: { openedUntil: world.clock.now() } });
    expect(report).toMatchObject({ matched: 3, cleaned: 0, failed: [], resources: 1, bytes: 30 });
    expect(report.asOf).toBe(world.clock.now());
    expect(await stateOf(session.id)).toBe('open');
    expect(await audit()).toEqual([]);
  });

  it('ends those that match, each with its entry, and one entry has the sums', async () => {
    const { session } = await world.open();
    await world.write(session, 30);
    const [other = ''] = await openMany(1);
    world.clock.advance(MINUTE / 2);
    const [late = ''] = await openMany(1);
    const report = await run({ filter: idleFor(MINUTE / 2) });
    expect(report).toMatchObject({ matched: 2, cleaned: 2, failed: [], resources: 1, bytes: 30 });
    expect([await stateOf(session.id), await stateOf(other), await stateOf(late)]).toEqual([
      'ended',
      'ended',
      'open',
    ]);
    const entries = await audit();
    expect(entries.filter(({ deed }) => deed === 'end').map(({ subject }) => subject)).toEqual(
      expect.arrayContaining([session.id, other]),
    );
    expect(entries.filter(({ deed }) => deed === 'end-many')).toMatchObject([
      { by: BY, subject: 'idle_over', outcome: 'done', sessions: 2, resources: 1, bytes: 30 },
    ]);
    expect(entries).toHaveLength(3);
  });

  it('spares a session whose client came back after the dry run', async () => {
    const [idle = ''] = await openMany(1);
    const { session } = await world.open();
    world.clock.advance(MINUTE / 2);
    const filter = idleFor(MINUTE / 2);
    const { asOf, matched } = await planBulk(world.core, { filter });
    expect(matched).toBe(2);
    world.clock.advance(1000);
    // Noted in this process, and not yet in the store.
    world.service.touch(session);
    expect(await run({ filter }, { asOf })).toMatchObject({ matched: 1, cleaned: 1, failed: [] });
    expect([await stateOf(idle), await stateOf(session.id)]).toEqual(['ended', 'open']);
  });

  it.each(['before its turn', 'in the very moment of its end'])(
    'spares a session whose client comes back %s',
    async (when) => {
      const { session } = await world.open();
      world.clock.advance(MINUTE / 2);
      const { sessions } = world.core.store;
      const find = sessions.find.bind(sessions);
      jest.spyOn(sessions, 'find').mockImplementation(async (id) => {
        const touches = [{ sessionId: id, at: world.clock.now(), requests: 1 }];
        if (when === 'before its turn') await sessions.touch(touches);
        const found = await find(id);
        if (when !== 'before its turn') await sessions.touch(touches);
        return found;
      });
      const report = await run({ filter: idleFor(MINUTE / 2) });
      expect(report).toMatchObject({ matched: 1, cleaned: 0, failed: [] });
      jest.restoreAllMocks();
      expect(await stateOf(session.id)).toBe('open');
      expect(await audit()).toMatchObject([{ deed: 'end-many', outcome: 'nothing', sessions: 0 }]);
    },
  );

  it('spares a session that lets go of its bytes, or belongs to another user meanwhile', async () => {
    const { session } = await world.open();
    const file = await world.write(session, 100);
    const { session: ofAnna } = await world.open();
    await world.service.login(ofAnna, 'anna');
    const { sessions } = world.core.store;
    const find = sessions.find.bind(sessions);
    jest.spyOn(sessions, 'find').mockImplementation(async (id) => {
      if (id === session.id) await world.service.release(file);
      return find(id);
    });
    expect(await run({ filter: { bytesAbove: 50 } })).toMatchObject({ matched: 1, cleaned: 0 });
    const begin = world.core.store.endings.beginEnd.bind(world.core.store.endings);
    jest.spyOn(world.core.store.endings, 'beginEnd').mockImplementation(async (id, end, only) => {
      expect(only).toEqual({ userId: 'anna' });
      return begin(id, end, { ...only, userId: 'ben' });
    });
    expect(await run({ filter: { userId: 'anna' } })).toMatchObject({ matched: 1, cleaned: 0 });
    jest.restoreAllMocks();
    expect([await stateOf(session.id), await stateOf(ofAnna.id)]).toEqual(['open', 'open']);
  });

  it('reaches no session that was opened after the dry run', async () => {
    await openMany(2);
    const { asOf } = await planBulk(world.core, { filter: { bytesAbove: -1 } });
    world.clock.advance(1000);
    const [later = ''] = await openMany(1);
    expect(await run({ filter: { bytesAbove: -1 } }, { asOf })).toMatchObject({ matched: 2, cleaned: 2 });
    expect(await stateOf(later)).toBe('open');
    const future = await planBulk(world.core, { filter: { bytesAbove: -1 } }, { asOf: Infinity });
    expect(future).toMatchObject({ matched: 1, asOf: world.clock.now() });
  });

  it('of ids ends those that name live sessions, once each, and lists the others', async () => {
    const [one = '', other = ''] = await openMany(3);
    const unknown = randomUUID();
    await world.service.end({ id: other });
    const target = { ids: [one, unknown, one, other] };
    const gone = [unknown, other].map((sessionId) => ({ sessionId, code: 'SESSION_GONE' }));
    const expected = { failed: expect.arrayContaining(gone) as unknown, failures: 2, matched: 1 };
    expect(await planBulk(world.core, target)).toMatchObject({ ...expected, cleaned: 0 });
    expect(await run(target)).toMatchObject({ ...expected, cleaned: 1 });
    expect(await run({ ids: [other, unknown] })).toMatchObject({ matched: 0, cleaned: 0, failures: 2 });
    const bulk = (await audit()).filter(({ deed }) => deed === 'end-many');
    expect(bulk).toMatchObject([
      { outcome: 'nothing', subject: 'ids' },
      { outcome: 'done', subject: 'ids' },
    ]);
  });

  it('goes on where one end fails, and names it', async () => {
    const [one = '', other = '', third = ''] = await openMany(3);
    const { endings } = world.core.store;
    const begin = endings.beginEnd.bind(endings);
    jest.spyOn(endings, 'beginEnd').mockImplementation(async (id, end, only) => {
      if (id === other) throw away;
      return begin(id, end, only);
    });
    const report = await run({ filter: { bytesAbove: -1 } });
    expect(report).toMatchObject({ matched: 3, cleaned: 2, isStopped: false });
    expect(report.failed).toEqual([{ sessionId: other, code: 'STORE_UNAVAILABLE' }]);
    jest.restoreAllMocks();
    // What failed by a filter is not ended later: it may match no longer by then.
    expect(await Promise.all([one, other, third].map(stateOf))).toEqual(['ended', 'open', 'ended']);
    const [last] = await audit();
    expect(last).toMatchObject({ deed: 'end-many', outcome: 'failed', sessions: 2 });
  });

  it('names a session that is over, but whose files stay', async () => {
    const { session } = await world.open();
    await world.write(session, 10);
    jest.spyOn(world.core.store.endings, 'finishEnd').mockRejectedValue(away);
    const report = await run({ ids: [session.id] });
    expect(report).toMatchObject({
      matched: 1,
      cleaned: 0,
      failed: [{ sessionId: session.id, code: 'STORAGE_UNAVAILABLE' }],
    });
    expect(await stateOf(session.id)).toBe('ending');
  });

  it('ends no more than fifty at a time, and tells how far it is', async () => {
    const ids = await openMany(120);
    const { endings } = world.core.store;
    const begin = endings.beginEnd.bind(endings);
    let [underWay, most] = [0, 0];
    jest.spyOn(endings, 'beginEnd').mockImplementation(async (...args) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      return begin(...args).finally(() => (underWay -= 1));
    });
    const told: string[] = [];
    await run({ ids }, { onProgress: (done: number, of: number) => told.push(`${done}/${of}`) });
    expect(most).toBe(50);
    expect([told.length, told[0], told.at(-1)]).toEqual([120, '1/120', '120/120']);
  });

  it('stops by its signal after the ends that are under way', async () => {
    const ids = await openMany(120);
    const stopping = new AbortController();
    const report = await run({ ids }, { signal: stopping.signal, onProgress: () => stopping.abort() });
    expect(report.isStopped).toBe(true);
    expect(report.cleaned).toBeGreaterThan(0);
    expect(report.cleaned).toBeLessThanOrEqual(50);
    const [last] = await audit();
    expect(last).toMatchObject({ deed: 'end-many', outcome: 'failed', sessions: report.cleaned });
  });
});

describe('Ending very many sessions', () => {
  let world: World;
  let deeds: OperatorDeeds;

  beforeAll(async () => {
    world = await World.create('memory');
    deeds = new OperatorDeeds(world.core, { by: BY, network: null }, silent);
    for (let opened = 0; opened <= MOST_IN_BULK; opened += 1) await world.open();
  }, 60_000);
  afterAll(() => world.close());
  afterEach(() => jest.restoreAllMocks());

  const everything = { filter: { bytesAbove: -1 } };

  it('more than 10,000 are refused, and none is ended', async () => {
    await expect(planBulk(world.core, everything)).rejects.toMatchObject({ code: 'BULK_TOO_LARGE' });
    await expect(runBulk(world.core, deeds, everything)).rejects.toMatchObject({ code: 'BULK_TOO_LARGE' });
    expect((await world.service.totals()).open).toBe(MOST_IN_BULK + 1);
    const { entries } = await world.store.audit.read({ from: 0, to: Number.MAX_SAFE_INTEGER, limit: 10 });
    expect(entries).toMatchObject([{ deed: 'end-many', outcome: 'failed', sessions: 0 }]);
  });

  it('after 1,000 that failed no more are tried', async () => {
    const { sessions } = await world.store.sessions.list({ limit: 1, sort: 'created_at' });
    await world.service.end({ id: sessions[0]?.id ?? '' });
    const ending = jest.spyOn(world.core.store.endings, 'beginEnd').mockRejectedValue(away);
    const report = await runBulk(world.core, deeds, everything);
    expect(report).toMatchObject({ matched: MOST_IN_BULK, cleaned: 0, isStopped: true });
    expect(report.failed).toHaveLength(MOST_FAILURES);
    expect(ending.mock.calls.length).toBeLessThan(MOST_FAILURES + 50);
  });
});
