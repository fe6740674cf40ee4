import { randomUUID } from 'node:crypto';
import { Session } from '#sessions/core/handles/session';
import { CLIENT, STORES, World } from '../support/world.js';

const MINUTE = 60_000;

describe.each(STORES)('Sessions on %s', (store) => {
  let world: World;
  beforeEach(
    async () => (world = await World.create(store, { maxDurationSeconds: 3600, maxIdleSeconds: 900 })),
  );
  afterEach(() => world.close());

  it('finds a session by its token, and by nothing else', async () => {
    const { session, token } = await world.open();
    expect(await world.service.identify(token.reveal(), CLIENT)).toMatchObject({
      kind: 'live',
      record: { id: session.id },
    });
    for (const text of [token.hash, session.id, `${token.reveal()}x`, token.reveal().toLowerCase(), '']) {
      expect((await world.service.identify(text, CLIENT)).kind).toBe('unknown');
    }
  });

  it('idles out exactly after its idle time, even if no cleanup ever runs', async () => {
    const { session, token } = await world.open();
    world.core.finder.touch(session.id, token.hash);
    world.clock.advance(15 * MINUTE - 1);
    expect(await world.kindOf(token)).toBe('live');
    world.clock.advance(1);
    expect(await world.kindOf(token)).toBe('ended');
    expect((await world.service.totals()).ended.idle).toBe(1);
  });

  it('expires after an hour, whatever the activity', async () => {
    const { session, token } = await world.open();
    for (let minute = 0; minute < 59; minute += 1) {
      world.core.finder.touch(session.id, token.hash);
      world.clock.advance(MINUTE);
      expect(await world.kindOf(token)).toBe('live');
    }
    world.core.finder.touch(session.id, token.hash);
    world.clock.advance(MINUTE);
    expect(await world.kindOf(token)).toBe('ended');
    expect((await world.service.totals()).ended.expired).toBe(1);
  });

  it('counts requests, and shows them at once', async () => {
    const { session, token } = await world.open();
    for (let count = 0; count < 3; count += 1) world.core.finder.touch(session.id, token.hash);
    expect(await world.service.describe(session)).toMatchObject({ requestCount: 4 });
  });

  it('stays ended when a slow request touches it', async () => {
    const { session, token } = await world.open();
    await world.service.end(session);
    world.core.finder.touch(session.id, token.hash);
    await expect(world.service.login(session, 'ada')).rejects.toMatchObject({ code: 'SESSION_GONE' });
    await expect(world.service.regenerate(session)).rejects.toMatchObject({ code: 'SESSION_GONE' });
    await expect(world.write(session, 10)).rejects.toMatchObject({ code: 'SESSION_GONE' });
    expect(await world.service.describe(session)).toBeNull();
    expect(await world.kindOf(token)).toBe('ended');
  });

  it('ends once, for one caller, with one event', async () => {
    const told: string[] = [];
    world.service.events.on('session.ended', ({ reason }) => told.push(reason));
    const { session } = await world.open();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => world.service.end(session)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(told).toEqual(['ended']);
  });

  it('changes its token and nothing else when it is regenerated', async () => {
    const { session, token } = await world.open();
    const before = await world.service.describe(session);
    await world.write(session, 10);
    world.clock.advance(MINUTE);
    const fresh = await world.service.regenerate(session);
    expect(await world.kindOf(token)).toBe('replaced');
    expect(await world.service.identify(fresh.reveal(), CLIENT)).toMatchObject({ kind: 'live' });
    const after = await world.service.describe(session);
    expect(after).toMatchObject({ id: before?.id, expiresAt: before?.expiresAt, resourceCount: 1 });
    world.clock.advance(30_000);
    expect(await world.kindOf(token)).toBe('unknown');
  });

  it('has one winner when it is regenerated twice at once', async () => {
    const { session, token } = await world.open();
    const found = await world.service.identify(token.reveal(), CLIENT);
    if (found.kind !== 'live') throw new Error('lost');
    const twin = new Session(found.record);
    const outcomes = await Promise.allSettled([
      world.service.regenerate(session),
      world.service.regenerate(twin),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  it('detects a client at another address or with another agent', async () => {
    const { token } = await world.open();
    expect(await world.kindOf(token, { ...CLIENT, ipAddress: '192.0.2.2' })).toBe('mismatch');
    expect(await world.kindOf(token, { ...CLIENT, userAgent: 'other' })).toBe('mismatch');
    expect(await world.kindOf(token)).toBe('live');
  });

  it('lists and ends the sessions of a user', async () => {
    const sessions = [];
    for (let count = 0; count < 3; count += 1) {
      const { session } = await world.open();
      await world.service.login(session, 'ada');
      sessions.push(session);
    }
    const [kept] = sessions;
    expect(await world.service.listByUser('ada')).toHaveLength(3);
    expect(await world.service.endAllOf('ada', kept && { except: kept })).toBe(2);
    expect((await world.service.listByUser('ada')).map(({ id }) => id)).toEqual([kept?.id]);
  });

  it('lists all concurrent logins of a user, and ends all except the given one', async () => {
    const openings = await Promise.all([world.open(), world.open(), world.open()]);
    const logins = await Promise.all(
      openings.map(async ({ session }) => ({ session, token: await world.service.login(session, 'ada') })),
    );
    expect(await world.service.listByUser('ada')).toHaveLength(3);
    const [kept, ...others] = logins;
    await world.service.endAllOf('ada', { except: kept!.session });
    expect(await world.kindOf(kept!.token)).toBe('live');
    for (const { token } of others) expect(await world.kindOf(token)).toBe('ended');
  });

  it('ends one session of a user by its id, and finds none of another user, of nobody, or by no id', async () => {
    const [mine, other, eves, nobodys] = await Promise.all([
      world.open(),
      world.open(),
      world.open(),
      world.open(),
    ]);
    const token = await world.service.login(mine.session, 'ada');
    const kept = await world.service.login(other.session, 'ada');
    const foreign = await world.service.login(eves.session, 'eve');
    await world.write(mine.session, 10);
    const reasons: string[] = [];
    world.service.events.on('session.ended', ({ reason }) => reasons.push(reason));
    for (const id of [eves.session.id, nobodys.session.id, randomUUID(), 'no id', '']) {
      expect(await world.service.endOneOf('ada', id)).toBeNull();
    }
    expect(reasons).toEqual([]);
    const ended = await world.service.endOneOf('ada', mine.session.id);
    expect(ended).toMatchObject({ sessionId: mine.session.id, resources: 1, bytes: 10, unfinished: null });
    expect(await world.service.endOneOf('ada', mine.session.id)).toBeNull();
    expect(reasons).toEqual(['ended']);
    const kinds = [token, kept, foreign, nobodys.token].map((one) => world.kindOf(one));
    expect(await Promise.all(kinds)).toEqual(['ended', 'live', 'live', 'live']);
  });

  it('ends or lists a login during endAllOf of its user, and loses none', async () => {
    for (let count = 0; count < 5; count += 1) await world.service.login((await world.open()).session, 'ada');
    const late = await world.open();
    const [, token] = await Promise.all([
      world.service.endAllOf('ada'),
      world.service.login(late.session, 'ada'),
    ]);
    const isListed = (await world.service.listByUser('ada')).map(({ id }) => id);
    const isLive = (await world.kindOf(token)) === 'live';
    expect(isListed).toEqual(isLive ? [late.session.id] : []);
  });

  it('is not harmed by a listener that throws, rejects or never ends', async () => {
    world.service.events.on('session.opened', () => {
      throw new Error('no');
    });
    world.service.events.on('session.opened', () => Promise.reject(new Error('no')));
    world.service.events.on('session.opened', () => new Promise(() => {}));
    const { token } = await world.open();
    expect(await world.kindOf(token)).toBe('live');
  });
});

describe.each(STORES)('The limits on opening sessions, on %s', (store) => {
  it('evicts the least recently used without resources and user at maxSessions', async () => {
    const world = await World.create(store, { maxSessions: 2 });
    try {
      const holder = await world.open();
      world.core.finder.touch(holder.session.id, holder.token.hash);
      await world.write(holder.session, 10);
      world.clock.advance(1000);
      const idler = await world.open();
      world.clock.advance(1000);
      const third = await world.open();
      expect(await world.kindOf(idler.token)).toBe('ended');
      expect(await world.kindOf(holder.token)).toBe('live');
      await world.service.login(third.session, 'ada');
      expect(await world.service.open(CLIENT)).toMatchObject({ kind: 'refused', reason: 'full' });
    } finally {
      await world.close();
    }
  });

  it('evicts at maxSessions for all concurrent openings, and no more than they need', async () => {
    const world = await World.create(store, { maxSessions: 60 });
    try {
      for (let count = 0; count < 60; count += 1) await world.open();
      const openings = await Promise.all(Array.from({ length: 40 }, () => world.service.open(CLIENT)));
      expect(openings.filter(({ kind }) => kind === 'opened')).toHaveLength(40);
      expect(await world.service.totals()).toMatchObject({ open: 60, ended: { evicted: 40 } });
    } finally {
      await world.close();
    }
  });
});
