import { mkdir, readFile, rename, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { Cleanup, CLEANUP_JOBS, SessionService, SkipSession } from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import { SessionsHealthIndicator, SessionsHealthModule } from 'nest-sessions/health';
import { ManualClock } from 'nest-sessions/testing';
import { SessionsCore } from '#sessions/core/core';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';

@Controller('health')
@SkipSession()
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(SessionsHealthIndicator) private readonly sessions: SessionsHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.sessions.isHealthy()]);
  }
}

@Module({ imports: [TerminusModule, SessionsHealthModule], controllers: [HealthController] })
class HealthModule {}

/** Terminus 11 has no `degraded`. */
const DEGRADED = Reflect.has(new HealthIndicatorService().check('any'), 'degraded') ? 'degraded' : 'up';
const WELL = { store: 'ok', cleanup: 'ok', storage: 'ok', recovery: 'ok', clock: 'ok' };

describe.each(ADAPTERS)('health on %s', (adapter: AdapterName) => {
  let clock: ManualClock;
  let running: RunningApp;

  beforeEach(async () => {
    clock = new ManualClock();
    running = await startApp(adapter, {
      imports: [HealthModule],
      options: { store: 'sqlite', adapters: { clock } },
    });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
  });

  async function ask(): Promise<{ status: number; sessions: Record<string, string> }> {
    const response = await fetch(`${running.url}/health`);
    const body = (await response.json()) as { details: { sessions: Record<string, string> } };
    expect(response.headers.get('set-cookie')).toBeNull();
    return { status: response.status, sessions: body.details.sessions };
  }

  /** The answer after the cached one has expired. */
  function askAnew(): ReturnType<typeof ask> {
    clock.advance(1000);
    return ask();
  }

  it('is up, and opens no session', async () => {
    expect(await ask()).toEqual({ status: 200, sessions: { status: 'up', ...WELL } });
    expect((await running.app.get(SessionService).totals()).created).toBe(0);
  });

  it('goes down when the storage root is replaced, and up again when it is back', async () => {
    const { storagePath } = running;
    await rename(storagePath, `${storagePath}-away`);
    await mkdir(storagePath, { mode: 0o700 });
    // The database is in the same folder.
    expect(await askAnew()).toEqual({
      status: 503,
      sessions: { ...WELL, status: 'down', store: 'deleted', storage: 'missing' },
    });
    await rename(storagePath, `${storagePath}-other`);
    await rename(`${storagePath}-away`, storagePath);
    await rmdir(`${storagePath}-other`);
    expect(await askAnew()).toEqual({ status: 200, sessions: { ...WELL, status: 'up' } });
  });

  it('goes down when the disk accepts no new bytes', async () => {
    const { storageRoot } = running.app.get(SessionsCore);
    const room = await storageRoot.room();
    const refusing = 'There is too little room.';
    const look = jest.spyOn(storageRoot, 'room').mockResolvedValue({ ...room, refusing, problem: 'full' });
    expect((await askAnew()).sessions).toEqual({ ...WELL, status: 'down', storage: 'full' });
    look.mockResolvedValue({ ...room, refusing, problem: 'read_only' });
    expect((await askAnew()).sessions).toEqual({ ...WELL, status: 'down', storage: 'read_only' });
  });

  it('is degraded, with status 200, while the files belong to another store', async () => {
    const marker = join(running.storagePath, '.nest-sessions.json');
    const text = await readFile(marker, 'utf8');
    await writeFile(marker, JSON.stringify({ ...(JSON.parse(text) as object), store: 'another' }));
    expect(await askAnew()).toEqual({
      status: 200,
      sessions: { ...WELL, status: DEGRADED, storage: 'untrusted' },
    });
    await writeFile(marker, text);
    expect((await askAnew()).sessions).toEqual({ ...WELL, status: 'up' });
  });

  it('goes down when no cleanup ran for two intervals, and up again with the next runs', async () => {
    const cleanup = running.app.get(Cleanup);
    const stopped = jest.spyOn(cleanup, 'runIfDue').mockResolvedValue();
    clock.advance(119_000);
    expect((await askAnew()).status).toBe(200);
    expect(await askAnew()).toEqual({
      status: 503,
      sessions: { ...WELL, status: 'down', cleanup: 'overdue' },
    });
    stopped.mockRestore();
    for (const job of CLEANUP_JOBS) {
      expect((await askAnew()).sessions['cleanup']).toBe('overdue');
      await cleanup.run(job);
    }
    expect((await askAnew()).status).toBe(200);
  });

  it('goes down within a second when the store hangs, and calls the store once for all requests', async () => {
    const store = running.app.get(SessionStore);
    let hang = true;
    let calls = 0;
    const listRuns = store.ledger.listRuns.bind(store);
    jest.spyOn(store.ledger, 'listRuns').mockImplementation(() => {
      calls += 1;
      return hang ? new Promise(() => {}) : listRuns();
    });
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    expect(performance.now() - startedAt).toBeLessThan(2500);
    for (const { status, sessions } of answers) {
      expect([status, sessions['store'], sessions['cleanup']]).toEqual([503, 'timeout', 'unknown']);
    }
    await askAnew();
    expect(calls).toBe(1);
    hang = false;
  });

  it('goes down when the store fails, without its error text, and up again afterwards', async () => {
    const store = running.app.get(SessionStore);
    const failure = new Error('disk I/O error at /secret/path');
    jest.spyOn(store.ledger, 'listRuns').mockRejectedValueOnce(failure).mockRejectedValueOnce(failure);
    const { status, sessions } = await askAnew();
    expect([status, sessions]).toEqual([
      503,
      { ...WELL, status: 'down', store: 'unavailable', cleanup: 'unknown' },
    ]);
    expect((await askAnew()).status).toBe(200);
  });

  it.each([
    ['reads', 'unavailable', (store: SessionStore) => jest.spyOn(store.ledger, 'listRuns')],
    ['writes', 'refused', (store: SessionStore) => jest.spyOn(store.sessions, 'probe')],
  ])('stays up at one failed answer, and goes down at two: %s', async (_what, word, callOf) => {
    const call = callOf(running.app.get(SessionStore));
    call.mockRejectedValueOnce(new Error('the thread died'));
    expect((await askAnew()).sessions).toEqual({ ...WELL, status: 'up' });
    call.mockRejectedValueOnce(new Error('no')).mockRejectedValueOnce(new Error('no'));
    expect((await askAnew()).sessions).toMatchObject({ status: 'down', store: word });
    expect((await askAnew()).sessions).toEqual({ ...WELL, status: 'up' });
  });

  it('stays up at one slow answer, and goes down when it has been due for 5 s', async () => {
    expect((await askAnew()).status).toBe(200);
    const slow = Promise.withResolvers<void>();
    jest.spyOn(running.app.get(SessionStore).sessions, 'probe').mockReturnValueOnce(slow.promise);
    expect((await askAnew()).sessions).toEqual({ ...WELL, status: 'up' });
    clock.advance(4000);
    expect((await askAnew()).sessions).toMatchObject({ status: 'down', store: 'timeout' });
    slow.resolve();
    expect((await askAnew()).sessions).toEqual({ ...WELL, status: 'up' });
  });

  it.each([
    [
      'stuck',
      'an end',
      ({ store, thisProcess }: SessionsCore) =>
        store.ledger.noteFailures(thisProcess.nodeId, [{ item: 'Session x', tries: 5, retryAt: 0 }]),
    ],
    ['held', 'a sweep', (core: SessionsCore) => (core.sweep.held = true)],
  ])('is degraded, with status 200, while something is %s: %s', async (word, _what, given) => {
    await given(running.app.get(SessionsCore));
    expect(await askAnew()).toEqual({
      status: 200,
      sessions: { ...WELL, status: DEGRADED, recovery: word },
    });
  });

  it.each(['doubted', 'wrong'] as const)(
    'is degraded, with status 200, while the clock is %s',
    async (verdict) => {
      const { clockTrust } = running.app.get(SessionsCore);
      jest.spyOn(clockTrust, 'status').mockReturnValue({ ...clockTrust.status(), verdict });
      expect(await askAnew()).toEqual({
        status: 200,
        sessions: { ...WELL, status: DEGRADED, clock: verdict },
      });
    },
  );

  it('checks once a second, however many requests ask', async () => {
    const look = jest.spyOn(running.app.get(SessionStore).ledger, 'listRuns');
    await askAnew();
    await Promise.all(Array.from({ length: 50 }, ask));
    expect(look).toHaveBeenCalledTimes(1);
    await askAnew();
    expect(look).toHaveBeenCalledTimes(2);
  });
});
