import { createHash, randomUUID } from 'node:crypto';
import { networkOf } from '#sessions/core/config/client-address';
import { resolveConfig, type SessionsOptions } from '#sessions/core/config/config';
import type { SessionEvents } from '#sessions/domain/events';
import type { NewSession } from '#sessions/domain/session';
import { startCore } from '#sessions/assembly/start-core';
import { MemoryFileStorage } from '#sessions/storage/memory/memory-file-storage';
import { MemoryStorageRoot } from '#sessions/storage/memory/memory-storage-root';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { ManualClock } from '#sessions/testing/manual-clock';
import { CLIENT, STORES, World } from '../support/world.js';

const SECOND = 1000;
const KILOBYTE = 1000;

/** What another process tells the store of an opening in the network of `CLIENT`. */
const LIMITS = {
  maxSessions: 1000,
  network: { key: networkOf(CLIENT.ipAddress), openRate: 0, maxUnconfirmed: 0, maxSessions: 2 },
};
const strangers = (number: number, now: number): NewSession => ({
  ...CLIENT,
  id: randomUUID(),
  tokenHash: createHash('sha256').update(String(number)).digest('base64url'),
  createdAt: now,
  expiresAt: now + 3_600_000,
  idleMs: 900_000,
});

describe.each(STORES)('Bounds beyond one session, on %s', (store) => {
  let world: World;
  afterEach(() => world.close());

  async function start(options: SessionsOptions): Promise<void> {
    world = await World.create(store, options);
  }

  /** A session of this user. */
  async function sessionOf(userId: string): ReturnType<World['open']> {
    const { session } = await world.open();
    return { session, token: await world.service.login(session, userId) };
  }

  describe('of a user', () => {
    it('refuse a file that exceeds them over all sessions of the user, name the option, and leave nothing', async () => {
      await start({ maxBytesPerUser: 10 * KILOBYTE });
      const [one, two, other] = [await sessionOf('ada'), await sessionOf('ada'), await sessionOf('grace')];
      const refusals: SessionEvents['resource.refused'][] = [];
      world.service.events.on('resource.refused', (refusal) => void refusals.push(refusal));
      await world.write(one.session, 6 * KILOBYTE);
      await expect(world.write(two.session, 4 * KILOBYTE + 1)).rejects.toMatchObject({
        code: 'QUOTA_REACHED',
        message: expect.stringContaining('maxBytesPerUser'),
      });
      expect(refusals).toMatchObject([
        { reason: 'quota', quota: 'maxBytesPerUser', sessionId: two.session.id },
      ]);
      await world.write(other.session, 10 * KILOBYTE);
      await world.write(two.session, 4 * KILOBYTE);
      expect(await world.service.usageOf('ada')).toEqual({
        sessions: 2,
        resources: 2,
        bytes: 10 * KILOBYTE,
      });
    });

    it('have room again for what was released, and for what a session held that has ended', async () => {
      await start({ maxResourcesPerUser: 2 });
      const [one, two] = [await sessionOf('ada'), await sessionOf('ada')];
      const file = await world.write(one.session, 10);
      await world.write(two.session, 10);
      await expect(world.write(one.session, 10)).rejects.toMatchObject({ code: 'QUOTA_REACHED' });
      await world.service.release({ id: file.id });
      await world.write(one.session, 10);
      await world.service.end(two.session);
      await world.write(one.session, 10);
    });

    it('let a full session replace its files, whatever its user holds', async () => {
      await start({ maxBytesPerUser: 10 * KILOBYTE, maxBytes: 6 * KILOBYTE });
      const [full, other] = [await sessionOf('ada'), await sessionOf('ada')];
      const first = await world.write(full.session, 6 * KILOBYTE);
      await world.write(other.session, 4 * KILOBYTE);
      await world.write(full.session, 6 * KILOBYTE);
      const left = await world.service.describe(full.session);
      expect(left?.resources.map(({ id }) => id)).not.toContain(first.id);
      await expect(world.write(other.session, 1)).rejects.toMatchObject({ code: 'QUOTA_REACHED' });
    });

    it('may be exceeded by what a login brings; then nothing is added', async () => {
      await start({ maxBytesPerUser: 10 * KILOBYTE });
      const rich = await sessionOf('ada');
      await world.write(rich.session, 8 * KILOBYTE);
      const { session } = await world.open();
      await world.write(session, 8 * KILOBYTE);
      await world.service.login(session, 'ada');
      expect(await world.service.usageOf('ada')).toMatchObject({ bytes: 16 * KILOBYTE });
      for (const each of [session, rich.session]) {
        await expect(world.write(each, 1)).rejects.toMatchObject({ code: 'QUOTA_REACHED' });
      }
      await world.service.end(rich.session);
      await world.write(session, 2 * KILOBYTE);
    });

    it('end the session of the user that was opened first for one too many, and no other', async () => {
      await start({ maxSessionsPerUser: 2 });
      const others = [await sessionOf('grace'), await sessionOf('grace')];
      const first = await sessionOf('ada');
      world.clock.advance(SECOND);
      const second = await sessionOf('ada');
      world.clock.advance(SECOND);
      const third = await sessionOf('ada');
      expect(await world.kindOf(first.token)).toBe('ended');
      for (const { token } of [...others, second, third]) expect(await world.kindOf(token)).toBe('live');
      // A user who logs in again in a session of theirs has no more of them.
      await world.service.login(second.session, 'ada');
      expect(await world.kindOf(third.token)).toBe('live');
      expect(await world.service.totals()).toMatchObject({ ended: { evicted: 1 } });
    });

    it('end a session that is past its idle end before one that is used, and one alone', async () => {
      await start({ maxSessionsPerUser: 2 });
      const used = await sessionOf('ada');
      world.clock.advance(SECOND);
      const idle = await sessionOf('ada');
      world.clock.advance(899 * SECOND);
      world.core.finder.touch(used.session.id, used.token.hash);
      await world.core.thisProcess.beat();
      world.clock.advance(SECOND);
      await sessionOf('ada');
      expect(await world.kindOf(used.token)).toBe('live');
      expect(await world.service.describe(idle.session)).toBeNull();
      expect(await world.service.totals()).toMatchObject({ open: 2, ended: { evicted: 1 } });
    });

    it('leave as many sessions of a user as may be, of many logins at once', async () => {
      await start({ maxSessionsPerUser: 3 });
      const opened = await Promise.all(Array.from({ length: 12 }, () => world.open()));
      const logins = await Promise.allSettled(
        opened.map(({ session }) => world.service.login(session, 'ada')),
      );
      expect(logins.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(3);
      expect(await world.service.listByUser('ada')).toHaveLength(3);
    });

    it('refuse a login where they are to, and change nothing', async () => {
      await start({ maxSessionsPerUser: 1, onUserLimit: 'refuse' });
      const first = await sessionOf('ada');
      const { session, token } = await world.open();
      await world.write(session, 10);
      await expect(world.service.login(session, 'ada')).rejects.toMatchObject({
        code: 'USER_SESSIONS_FULL',
        message: expect.stringContaining('maxSessionsPerUser'),
      });
      expect(session.userId).toBeNull();
      expect(await world.kindOf(token)).toBe('live');
      expect(await world.kindOf(first.token)).toBe('live');
      await world.service.end(first.session);
      await world.service.login(session, 'ada');
    });

    it('refuse a login that restarts another user’s session, which goes on', async () => {
      await start({ maxSessionsPerUser: 1, onUserLimit: 'refuse' });
      await sessionOf('ada');
      const { session, token } = await sessionOf('grace');
      await expect(world.service.login(session, 'ada', { ifTaken: 'restart' })).rejects.toMatchObject({
        code: 'USER_SESSIONS_FULL',
      });
      expect(await world.kindOf(token)).toBe('live');
      expect(session.userId).toBe('grace');
      expect(await world.service.totals()).toMatchObject({ open: 2 });
    });
  });

  describe('of a network', () => {
    const ELSEWHERE = { ...CLIENT, ipAddress: '198.51.100.1' };

    it('evict its own sessions that hold nothing for new ones, and nobody’s elsewhere', async () => {
      await start({ maxSessionsPerNetwork: 2 });
      const elsewhere = await world.open(ELSEWHERE);
      const holding = await world.open();
      await world.write(holding.session, 10);
      world.core.finder.touch(holding.session.id, holding.token.hash);
      const idle = await world.open();
      world.clock.advance(SECOND);
      await world.open();
      expect(await world.kindOf(idle.token)).toBe('ended');
      expect(await world.kindOf(holding.token)).toBe('live');
      expect(await world.kindOf(elsewhere.token, ELSEWHERE)).toBe('live');
    });

    it('make room again for an opening whose room another process took, ten times in a row', async () => {
      await start({ maxSessionsPerNetwork: 2, maxUnconfirmedPerNetwork: 0, openRate: 0 });
      await world.open();
      await world.open();
      let taken = 0;
      world.service.events.on('session.ended', () => {
        if (taken < 10) void world.store.sessions.open(strangers((taken += 1), world.clock.now()), LIMITS);
      });
      await world.open();
      expect(taken).toBe(10);
    });

    it('refuse a new one where all of its own hold something; users do not count', async () => {
      await start({ maxSessionsPerNetwork: 2 });
      await sessionOf('ada');
      for (const opened of [await world.open(), await world.open()]) {
        await world.write(opened.session, 10);
        world.core.finder.touch(opened.session.id, opened.token.hash);
      }
      await world.core.thisProcess.beat();
      expect(await world.service.open(CLIENT)).toMatchObject({ kind: 'refused', reason: 'network_full' });
      expect(await world.service.open(ELSEWHERE)).toMatchObject({ kind: 'opened' });
    });

    it('bound the bytes of its sessions without a user together', async () => {
      await start({ maxBytesPerNetwork: 10 * KILOBYTE });
      const [one, two] = [await world.open(), await world.open()];
      const elsewhere = await world.open(ELSEWHERE);
      await world.write(one.session, 6 * KILOBYTE);
      await expect(world.write(two.session, 5 * KILOBYTE)).rejects.toMatchObject({
        code: 'QUOTA_REACHED',
        message: expect.stringContaining('maxBytesPerNetwork'),
      });
      await world.write(elsewhere.session, 10 * KILOBYTE);
      await world.service.login(one.session, 'ada');
      await world.write(two.session, 5 * KILOBYTE);
    });
  });

  it('of all refuse what exceeds the bytes of the server', async () => {
    await start({ maxTotalBytes: 10 * KILOBYTE });
    const [one, two] = [await sessionOf('ada'), await world.open()];
    await world.write(one.session, 6 * KILOBYTE);
    await expect(world.write(two.session, 5 * KILOBYTE)).rejects.toMatchObject({
      code: 'QUOTA_REACHED',
      message: expect.stringContaining('maxTotalBytes'),
    });
    await world.write(two.session, 4 * KILOBYTE);
  });
});

describe('Options of bounds beyond one session', () => {
  it('give a network a tenth of all sessions, rounded up, unless it is set', () => {
    expect(resolveConfig({}, {}).maxSessionsPerNetwork).toBe(10_000);
    expect(resolveConfig({ maxSessions: 42 }, {}).maxSessionsPerNetwork).toBe(5);
    expect(resolveConfig({ maxSessions: 42, maxSessionsPerNetwork: 0 }, {}).maxSessionsPerNetwork).toBe(0);
  });

  describe('where the store keeps none, as on Redis Cluster', () => {
    const lines: string[] = [];
    beforeEach(() => (lines.length = 0));

    class OnSeveralServers extends MemorySessionStore {
      override get keepsBudgets(): boolean {
        return false;
      }
    }

    async function startWith(options: SessionsOptions): Promise<void> {
      const note = (line: string): void => void lines.push(line);
      const core = await startCore({
        config: resolveConfig(options, {}),
        clock: new ManualClock(),
        role: 'server',
        logFor: () => ({ debug() {}, log: note, warn: note, error: note }),
        store: new OnSeveralServers(),
        storage: new MemoryFileStorage(),
        storageRoot: new MemoryStorageRoot(),
      });
      await core.stop();
    }

    it('are off, and the start says so', async () => {
      await startWith({ maxTotalBytes: 0 });
      expect(lines.filter((line) => line.includes('maxBytesPerNetwork are off'))).toHaveLength(1);
    });

    it('refuse the start if one is set', async () => {
      await expect(startWith({ maxBytesPerUser: 1000, maxSessionsPerNetwork: 5 })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/maxSessionsPerNetwork.*maxBytesPerUser.*Redis Cluster/),
      });
    });
  });
});
