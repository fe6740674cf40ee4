import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { hostname } from 'node:os';
import { SessionsError } from '#sessions/domain/errors';
import type { JournalEntry } from '#sessions/domain/journal/entry';
import type { SessionsOptions } from '#sessions/core/config/config';
import { STORES, World } from '../support/world.js';

const HOUR = 3_600_000;
const requestEntry = (at: number, path: string): JournalEntry => ({
  at,
  kind: 'request',
  method: 'GET',
  route: '/:path',
  path,
  status: 200,
  durationMs: 1,
  receivedBytes: 100,
  sentBytes: 100,
  requestType: null,
  responseType: null,
});
const CARRIER = { use: 'cookie', carry() {}, clear() {}, sent: () => Promise.resolve() } as const;

describe.each(STORES)('The journal of a process on the store %s', (store) => {
  let world: World;
  const start = async (options: SessionsOptions = {}): Promise<World> =>
    (world = await World.create(store, options));
  afterEach(async () => {
    jest.restoreAllMocks();
    await world.close();
  });

  async function timeline({ id }: { id: string }): Promise<readonly JournalEntry[]> {
    await world.core.entries.flush();
    return (await world.store.journal.read(id, 1000)).entries;
  }
  const kindsOf = (entries: readonly JournalEntry[]): string[] => entries.map(({ kind }) => kind);
  const actorsOf = (entries: readonly JournalEntry[]): unknown[] =>
    entries.map((entry) => ('by' in entry ? entry.by.kind : null));

  it('tells a whole life: who did it, when, and what the session held', async () => {
    await start({ maxResources: 1 });
    const { session } = await world.open();
    session.carryTokensBy(CARRIER);
    world.clock.advance(1000);
    await world.service.login(session, 'ada@example.com');
    world.clock.advance(1000);
    await world.service.regenerate(session);
    const { id: evicted } = await world.write(session, 10);
    world.clock.advance(1000);
    await world.write(session, 20);
    world.clock.advance(1000);
    await world.service.end(session);

    const entries = await timeline(session);
    expect(kindsOf(entries)).toEqual(['opened', 'login', 'regenerated', 'evicted', 'ended']);
    expect(actorsOf(entries)).toEqual(['client', 'client', 'client', 'client', 'client']);
    expect(entries.map(({ at }) => at - session.createdAt)).toEqual([0, 1000, 2000, 3000, 4000]);
    expect(entries.at(3)).toMatchObject({ resourceId: evicted, type: 'audio_file', sizeBytes: 10 });
    expect(entries.at(4)).toMatchObject({ reason: 'ended', durationMs: 4000, resources: 1, bytes: 20 });
    expect(JSON.stringify(entries)).not.toMatch(/ada|example|192\.0\.2/);
  });

  it('names who ends: the application, a job with host and process, a limit, an operator', async () => {
    await start({ maxSessions: 2 });
    const endings: Record<string, (id: string) => Promise<unknown>> = {
      app: (id) => world.service.end({ id }),
      admin: (id) =>
        world.service.end({ id }, 'admin', { by: { kind: 'admin', keyId: '0a1b2c3d' }, thorough: true }),
      limit: async () => {
        world.clock.advance(1000);
        await world.open();
        await world.open();
      },
    };
    for (const [kind, end] of Object.entries(endings)) {
      const { session } = await world.open();
      await end(session.id);
      expect(actorsOf(await timeline(session))).toEqual(['client', kind]);
      for (const { id } of await world.service.list({ limit: 9, sort: 'created_at' }))
        await world.service.end({ id });
    }
    const { session } = await world.open();
    world.clock.advance(HOUR);
    await world.core.cleanup.runAll();
    const by = { kind: 'job', job: 'idle', host: hostname(), pid: process.pid };
    expect((await timeline(session)).at(-1)).toMatchObject({ kind: 'ended', reason: 'unconfirmed', by });
  });

  it('has the operator in the audit, also where no timelines are kept', async () => {
    await start({ journal: 'off' });
    const { session } = await world.open();
    const { session: other } = await world.open();
    const by = { kind: 'cli', user: 'root', host: 'here' } as const;
    await world.service.end(session, 'admin', { by });
    await world.service.end(other);
    expect(kindsOf(await timeline(session))).toEqual(['ended']);
    expect(await timeline(other)).toEqual([]);
    const { entries } = await world.store.audit.read({ from: 0, to: Number.MAX_SAFE_INTEGER, limit: 9 });
    expect(entries).toEqual([expect.objectContaining({ deed: 'end', by, subject: session.id, sessions: 1 })]);
  });

  it('keeps the actor of an end that the store could not take', async () => {
    await start();
    const { session } = await world.open();
    const by = { kind: 'admin', keyId: '0a1b2c3d' } as const;
    const full = new SessionsError('STORE_UNAVAILABLE', 'The disk is full.');
    const refusing = jest.spyOn(world.store.endings, 'beginEnd').mockRejectedValue(full);
    await world.service.end({ id: session.id }, 'admin', { by });
    refusing.mockRestore();
    await world.core.cleanup.runAll();
    expect((await timeline(session)).at(-1)).toMatchObject({ kind: 'ended', reason: 'admin', by });
  });

  it('tells why a file was refused, and who presented the token elsewhere', async () => {
    await start({ maxBytes: 100 });
    const { session, token } = await world.open();
    await expect(world.write(session, 200)).rejects.toMatchObject({ code: 'RESOURCE_TOO_LARGE' });
    world.core.events.emit('session.mismatch', { sessionId: session.id, property: 'agent' });
    expect(await world.kindOf(token)).toBe('live');
    const entries = await timeline(session);
    expect(entries.slice(1)).toEqual([
      expect.objectContaining({ kind: 'refused', reason: 'too_large', limitBytes: 100 }),
      { at: world.clock.now(), kind: 'mismatch', property: 'agent' },
    ]);
  });

  it('waits for a store that is away, bounded, and loses no newer entry than it tells', async () => {
    await start();
    const { session } = await world.open();
    const away = jest
      .spyOn(world.store.journal, 'append')
      .mockRejectedValue(new SessionsError('STORE_UNAVAILABLE', 'away'));
    const refuse = (): void =>
      world.core.events.emit('session.mismatch', { sessionId: session.id, property: 'address' });
    refuse();
    await world.core.entries.flush();
    refuse();
    await world.core.entries.flush();
    away.mockRestore();
    expect(kindsOf(await timeline(session))).toEqual(['opened', 'mismatch', 'mismatch']);
  });

  it('counts in the end also the requests that this process has not flushed', async () => {
    await start();
    const { session, token } = await world.open();
    const touch = () => world.core.finder.touch(session.id, token.hash);
    for (let request = 0; request < 3; request += 1) touch();
    await world.core.thisProcess.beat();
    for (let request = 0; request < 4; request += 1) touch();
    await world.service.end(session);
    expect((await timeline(session)).at(-1)).toMatchObject({ kind: 'ended', requests: 8 });
  });

  it('is kept for journalHours after the end, beyond the absolute end too, and then goes with the tombstone', async () => {
    await start({ maxDurationSeconds: 3600, journalHours: 2 });
    const { session, token } = await world.open();
    world.clock.advance(HOUR - 1000);
    await world.service.end(session);
    world.clock.advance(2 * HOUR - 1000);
    await world.core.cleanup.runAll();
    expect(kindsOf(await timeline(session))).toEqual(['opened', 'ended']);
    expect(await world.kindOf(token)).toBe('ended');
    world.clock.advance(2 * 60_000);
    await world.core.cleanup.runAll();
    expect(await timeline(session)).toEqual([]);
    expect(await world.kindOf(token)).toBe('unknown');
  });

  it('stays within journalMaxBytes', async () => {
    await start({ journalMaxBytes: 65_536 });
    const sessions = [];
    for (let count = 0; count < 1500; count += 1) {
      sessions.push((await world.open()).session);
      world.clock.advance(10);
    }
    await world.core.cleanup.run('orphans');
    const kept = await Promise.all(sessions.map((session) => timeline(session)));
    const first = kept.findIndex((entries) => entries.length > 0);
    expect(first).toBeGreaterThan(50);
    // The oldest went.
    expect(kept.slice(first).every((entries) => entries.length === 1)).toBe(true);
    expect(JSON.stringify(kept).length).toBeLessThan(65_536);
  });

  it('stays within journalMaxBytes under a flood of requests, without a cleanup', async () => {
    const most = 65_536;
    await start({ journalMaxBytes: most });
    const sessions = await Promise.all(Array.from({ length: 20 }, () => world.open()));
    const path = `/${'x'.repeat(1900)}`;
    for (let request = 0; request < 50; request += 1) {
      for (const { session } of sessions)
        world.core.entries.add(session.id, requestEntry(world.clock.now(), path));
      await world.core.entries.flush();
    }
    const kept = await Promise.all(sessions.map(({ session }) => timeline(session)));
    const bytes = JSON.stringify(kept).length;
    expect(bytes).toBeGreaterThan(most / 2);
    expect(bytes).toBeLessThan(most * 1.5);
    expect(kept.every((entries) => entries[0]?.kind === 'opened')).toBe(true);
  });

  it('forgets a user: live sessions end, timelines and hash go, those of others stay', async () => {
    await start();
    const [past, live, foreign] = [await world.open(), await world.open(), await world.open()];
    await world.service.login(past.session, 'ada');
    await world.service.login(live.session, 'ada');
    await world.service.login(foreign.session, 'eve');
    await world.service.end(past.session);
    const hash = await world.core.journal.hashOf('ada');
    expect((await timeline(past.session))[1]).toMatchObject({ kind: 'login', userHash: hash });

    expect(await world.service.forget('ada')).toEqual({ sessions: 1, timelines: 2, pending: null });
    expect(await timeline(past.session)).toEqual([]);
    expect(await timeline(live.session)).toEqual([]);
    expect(kindsOf(await timeline(foreign.session))).toEqual(['opened', 'login']);
    expect(await world.service.listByUser('eve')).toHaveLength(1);
    expect(await world.service.forget('ada')).toEqual({ sessions: 0, timelines: 0, pending: null });
  });

  it('gives its events to diagnostics_channel', async () => {
    await start();
    const heard: unknown[] = [];
    const listen = (message: unknown): void => void heard.push(message);
    subscribe('nest-sessions:session.opened', listen);
    const { session } = await world.open();
    unsubscribe('nest-sessions:session.opened', listen);
    await world.open();
    expect(heard).toEqual([{ sessionId: session.id, at: session.createdAt }]);
  });
});
