import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Cleanup,
  CLEANUP_JOBS,
  SessionService,
  type Session,
  type SessionsModuleOptions,
} from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import { SessionsMetrics, SessionsMetricsModule } from 'nest-sessions/metrics';
import { ManualClock, MemoryFileStorage, MemoryStorageRoot } from 'nest-sessions/testing';
import { Registry } from 'prom-client';
import { SessionsCore } from '#sessions/core/core';
import { packageVersion } from '#sessions/core/package-version';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { OwnerController } from '../support/owner-app.js';
import { Exposition } from './exposition.js';

const EIGHT_TYPES = ['image', 'video', 'text', 'table', 'sheet', 'slide', 'model', 'font'];
const METRICS_TOKEN = 'a-token-for-the-scraper';

describe.each(ADAPTERS)('metrics on %s', (adapter: AdapterName) => {
  let clock: ManualClock;
  let storagePath: string;
  let running: RunningApp;

  async function start(options: SessionsModuleOptions = {}): Promise<void> {
    running = await startApp(adapter, {
      imports: [SessionsMetricsModule],
      controllers: [OwnerController],
      options: {
        storagePath,
        openRate: 0,
        maxUnconfirmedPerNetwork: 0,
        maxSessionsPerNetwork: 0,
        adapters: { clock },
        ...options,
      },
    });
  }

  beforeEach(async () => {
    clock = new ManualClock(Date.parse('2026-03-01T12:00:00.000Z'));
    storagePath = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
    await rm(storagePath, { recursive: true, force: true });
  });

  async function scrape(): Promise<Exposition> {
    const response = await fetch(`${running.url}/metrics`);
    expect(response.status).toBe(200);
    const type = response.headers.get('content-type')?.split('; ').toSorted();
    expect(type).toEqual(['charset=utf-8', 'text/plain', 'version=0.0.4']);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('set-cookie')).toBeNull();
    return new Exposition(await response.text());
  }

  async function runJobs(): Promise<void> {
    for (const job of CLEANUP_JOBS) await running.app.get(Cleanup).run(job);
  }

  /** Anna uploads three files, which evicts older ones, and opens a stream; Ben ends his session; Carl sends one request. */
  async function traffic(): Promise<void> {
    const anna = new Browser(running.url, 'Anna/1.0');
    for (const size of [100, 200, 300]) {
      clock.advance(1000);
      await anna.fetch(`/files?size=${size}`, { method: 'POST' });
    }
    await anna.fetch('/streams', { method: 'POST' });
    const ben = new Browser(running.url, 'Ben/1.0');
    await ben.fetch('/files?size=66', { method: 'POST' });
    await ben.fetch('/session', { method: 'DELETE' });
    const { ledger } = running.app.get(SessionStore);
    await eventually('his file is deleted', async () => (await ledger.totals()).ending === 0);
    await new Browser(running.url, 'Carl/1.0').fetch('/hello');
  }

  const STORED = {
    nest_sessions_store_up: 1,
    nest_sessions_open: 2,
    nest_sessions_opened_total: 3,
    'nest_sessions_ended_total{reason="ended"}': 1,
    'nest_sessions_ended_total{reason="idle"}': 0,
    'nest_sessions_resources{type="audio_file"}': 1,
    'nest_sessions_resources{type="stream"}': 1,
    'nest_sessions_resource_bytes{type="audio_file"}': 300,
    nest_sessions_streams_open: 1,
    'nest_sessions_resources_evicted_total{type="audio_file"}': 2,
    'nest_sessions_resources_released_total{type="audio_file"}': 3,
    'nest_sessions_resources_released_total{type="temp_file"}': 0,
    'nest_sessions_deleted_bytes_total{type="audio_file"}': 366,
    'nest_sessions_due{kind="idle"}': 0,
    'nest_sessions_due{kind="expired"}': 0,
    'nest_sessions_due{kind="ending"}': 0,
  };

  it('shows sessions, their resources, and what was released', async () => {
    await start({ maxResources: 1 });
    await traffic();
    expect((await scrape()).values).toMatchObject(STORED);
  });

  it('continues the counters of the store after a restart', async () => {
    await start({ maxResources: 1 });
    await traffic();
    await runJobs();
    await running.app.close();
    await start({ maxResources: 1 });
    expect((await scrape()).values).toMatchObject({
      ...STORED,
      'nest_sessions_cleanup_runs_total{cleanup_job="idle"}': 1,
      // The shutdown closed the stream.
      'nest_sessions_resources{type="stream"}': 0,
      nest_sessions_streams_open: 0,
    });
  });

  it('states in the help what survives a restart, and the type of each metric', async () => {
    await start();
    const { helps, types } = await scrape();
    expect([...types.keys()].toSorted()).toEqual([...helps.keys()].toSorted());
    for (const [name, type] of types)
      expect([name, type === 'counter']).toEqual([name, name.endsWith('_total')]);
    const counters = [...helps].filter(([name]) => name.endsWith('_total'));
    expect(counters.length).toBeGreaterThan(8);
    for (const [, help] of counters) expect(help).toMatch(/survives restarts|Counted by this process/);
  });

  it('shows runs of the cleanup, and what is due for the next', async () => {
    await start();
    await new Browser(running.url).fetch('/hello');
    clock.advance(60_000);
    const before = await scrape();
    expect(before.values).toMatchObject({
      'nest_sessions_due{kind="idle"}': 1,
      'nest_sessions_cleanup_runs_total{cleanup_job="idle"}': 0,
    });
    expect(before.series.filter((series) => series.includes('last_success'))).toEqual([]);
    await runJobs();
    expect((await scrape()).values).toMatchObject({
      'nest_sessions_due{kind="idle"}': 0,
      'nest_sessions_ended_total{reason="unconfirmed"}': 1,
      'nest_sessions_cleanup_runs_total{cleanup_job="idle"}': 1,
      'nest_sessions_cleanup_runs_total{cleanup_job="orphans"}': 1,
      'nest_sessions_cleanup_items_total{cleanup_job="idle"}': 1,
      'nest_sessions_cleanup_failures_total{cleanup_job="idle"}': 0,
      'nest_sessions_cleanup_duration_seconds{cleanup_job="idle"}': 0,
      'nest_sessions_cleanup_last_success_timestamp_seconds{cleanup_job="idle"}': clock.now() / 1000,
    });
  });

  it('counts refusals, mismatches, orphans and alerts', async () => {
    await start({ openRate: 2, maxBytes: 1000 });
    const anna = new Browser(running.url, 'Anna/1.0');
    await anna.fetch('/files?size=900', { method: 'POST' });
    await anna.fetch('/files?size=1001', { method: 'POST' });
    await anna.fetch('/hello', { headers: { 'user-agent': 'Mallory/1.0' } });
    await new Browser(running.url).fetch('/hello');
    running.app.get(SessionsCore).events.emit('orphans.found', { found: 3, deleted: 3, held: false });
    expect((await scrape()).values).toMatchObject({
      'nest_sessions_resources_refused_total{reason="too_large"}': 1,
      'nest_sessions_resources_refused_total{reason="disk"}': 0,
      'nest_sessions_binding_mismatches_total{property="agent"}': 1,
      'nest_sessions_binding_mismatches_total{property="address"}': 0,
      'nest_sessions_refused_total{reason="rate"}': 1,
      'nest_sessions_refused_total{reason="full"}': 0,
      nest_sessions_orphans_found_total: 3,
      'nest_sessions_alerts{alert="session_near_limit"}': 1,
      'nest_sessions_alerts{alert="active_sessions"}': 0,
      nest_sessions_stuck: 0,
    });
  });

  it('shows what this process is configured with, built from, and writes to', async () => {
    const limits = { maxDurationSeconds: 7200, maxIdleSeconds: 600, maxResources: 7, maxBytes: 5000 };
    await start({ ...limits, maxSessions: 300, cleanupIntervalSeconds: 30 });
    const { values } = await scrape();
    expect(values).toMatchObject({
      nest_sessions_max_duration_seconds: 7200,
      nest_sessions_max_idle_seconds: 600,
      nest_sessions_max_resources: 7,
      nest_sessions_max_bytes: 5000,
      nest_sessions_max_open: 300,
      nest_sessions_cleanup_interval_seconds: 30,
      [`nest_sessions_build_info{version="${packageVersion()}",node_version="${process.version}"}`]: 1,
      'nest_sessions_processes{role="server"}': 1,
      'nest_sessions_processes{role="cli"}': 0,
      nest_sessions_nodes: 1,
    });
    const { blocks, bsize, bavail } = await statfs(storagePath);
    expect(values['nest_sessions_disk_size_bytes']).toBe(blocks * bsize);
    const apart = Math.abs(values['nest_sessions_disk_free_bytes']! - bavail * bsize);
    expect(apart).toBeLessThan(0.1 * blocks * bsize);
    expect(values['nest_sessions_disk_free_inodes']).toBeGreaterThan(0);
  });

  it('shows no disk for files in memory', async () => {
    const [storage, storageRoot] = [new MemoryFileStorage(), new MemoryStorageRoot()];
    await start({ store: 'memory', adapters: { clock, storage, storageRoot } });
    expect((await scrape()).series.filter((series) => series.includes('disk_'))).toEqual([]);
  });

  it('counts processes and nodes that are alive', async () => {
    await start();
    const { fleet } = running.app.get(SessionStore);
    const [own] = await fleet.listProcesses();
    const others = [
      { at: clock.now() - 9999 },
      { at: clock.now() - 10_000 },
      { at: clock.now(), nodeId: '30000000-0000-4000-8000-000000000001' },
      { at: clock.now(), role: 'cli', nodeId: '30000000-0000-4000-8000-000000000002' },
    ] as const;
    for (const other of others) await fleet.heartbeat({ ...own!, processId: randomUUID(), ...other });
    expect((await scrape()).values).toMatchObject({
      'nest_sessions_processes{role="server"}': 3,
      'nest_sessions_processes{role="cli"}': 1,
      nest_sessions_nodes: 2,
    });
  });

  it('counts files that took their places, and their bytes', async () => {
    await start({ maxBytes: 1000 });
    const anna = new Browser(running.url, 'Anna/1.0');
    for (const size of [300, 500, 1001]) await anna.fetch(`/files?size=${size}`, { method: 'POST' });
    await anna.fetch('/streams', { method: 'POST' });
    expect((await scrape()).values).toMatchObject({
      nest_sessions_files_stored_total: 2,
      nest_sessions_stored_bytes_total: 800,
    });
  });

  it('summarises the durations of sessions, across restarts', async () => {
    await start();
    const name = 'nest_sessions_duration_seconds';
    const before = await scrape();
    expect(before.types.get(name)).toBe('summary');
    expect(before.series.filter((series) => series.startsWith(name))).toEqual([
      `${name}_sum`,
      `${name}_count`,
    ]);
    const sessions = running.app.get(SessionService);
    const opened: Session[] = [];
    for (let count = 0; count < 10; count += 1) {
      const opening = await sessions.open({ ipAddress: '192.0.2.7', userAgent: 'x' });
      if (opening.kind === 'opened') opened.push(opening.session);
    }
    // 10, 20 … 100 s.
    for (const session of opened) {
      clock.advance(10_000);
      await sessions.end(session);
    }
    const shown = async (): Promise<(number | undefined)[]> => {
      const { values } = await scrape();
      return ['{quantile="0.5"}', '{quantile="0.9"}', '_sum', '_count'].map((part) => values[name + part]);
    };
    const [median, most, sum, count] = await shown();
    expect(Math.abs(median! - 50)).toBeLessThan(2.5);
    expect(Math.abs(most! - 90)).toBeLessThan(4.5);
    expect([sum, count]).toEqual([550, 10]);
    await running.app.close();
    await start();
    expect(await shown()).toEqual([median, most, 550, 10]);
    clock.advance(2 * 3_600_000);
    expect(await shown()).toEqual([undefined, undefined, 550, 10]);
  });

  it('counts as stuck what no process of the node could clean up in five tries', async () => {
    await start();
    const { store, thisProcess } = running.app.get(SessionsCore);
    const failures = [4, 5, 6].map((tries) => ({ item: `Session ${tries}`, tries, retryAt: 0 }));
    await store.ledger.noteFailures(thisProcess.nodeId, failures);
    expect((await scrape()).value('nest_sessions_stuck')).toBe(2);
    await store.ledger.forgetFailures(thisProcess.nodeId, ['Session 5', 'Session 6']);
    expect((await scrape()).value('nest_sessions_stuck')).toBe(0);
  });

  it('measures the duration of store calls, and counts failed ones', async () => {
    await start();
    const core = running.app.get(SessionsCore);
    await new Browser(running.url).fetch('/hello');
    const before = await scrape();
    expect(before.value('nest_sessions_store_call_duration_seconds_count')).toBeGreaterThan(0);
    expect(before.value('nest_sessions_store_errors_total')).toBe(0);
    jest.spyOn(storeBeneath(core).sessions, 'find').mockImplementationOnce(async () => {
      clock.advance(50);
      throw new Error('disk I/O error');
    });
    await expect(core.store.sessions.find('0e8fb3bb-5a3c-4be5-9f8a-1d1a3f7f6a11')).rejects.toThrow('disk');
    const after = await scrape();
    expect(after.value('nest_sessions_store_errors_total')).toBe(1);
    const added = (series: string): number => (after.value(series) ?? 0) - (before.value(series) ?? 0);
    const name = 'nest_sessions_store_call_duration_seconds';
    expect(added(`${name}_count`) - added(`${name}_bucket{le="0.01"}`)).toBeGreaterThanOrEqual(1);
    expect(added(`${name}_bucket{le="0.1"}`)).toBe(added(`${name}_count`));
    expect(after.value(`${name}_bucket{le="10"}`)).toBe(after.value(`${name}_count`));
    expect(added(`${name}_sum`)).toBeGreaterThanOrEqual(0.05);
  });

  it('answers while the store does not, without the figures of the store', async () => {
    await start();
    const totals = jest
      .spyOn(running.app.get(SessionStore).ledger, 'totals')
      .mockRejectedValue(new Error('gone'));
    const without = await scrape();
    expect(without.value('nest_sessions_store_up')).toBe(0);
    const known =
      /^nest_sessions_(open|ended|resource_|resources\{|resources_(rel|ev)|streams|due|cleanup_[dflr]|duration|processes|nodes)/;
    expect(without.series.filter((series) => known.test(series))).toEqual([]);
    expect(without.value('nest_sessions_refused_total{reason="rate"}')).toBe(0);
    totals.mockRestore();
    expect((await scrape()).values).toMatchObject({
      nest_sessions_store_up: 1,
      nest_sessions_opened_total: 0,
    });
  });

  it('makes the same few store calls for one session and for many, and touches none', async () => {
    await start();
    const sessions = running.app.get(SessionService);
    const browser = new Browser(running.url);
    const { id } = (await (await browser.fetch('/hello')).json()) as { id: string };
    const before = await sessions.describe({ id });
    const calls: number[] = [];
    for (const many of [0, 60]) {
      await Promise.all(
        Array.from({ length: many }, () => sessions.open({ ipAddress: '192.0.2.7', userAgent: 'x' })),
      );
      clock.advance(100);
      const { ledger, endings, sessions: stored, resources } = running.app.get(SessionStore);
      const asked = [
        jest.spyOn(ledger, 'totals'),
        jest.spyOn(ledger, 'listRuns'),
        jest.spyOn(endings, 'countDue'),
        jest.spyOn(stored, 'list'),
        jest.spyOn(stored, 'find'),
        jest.spyOn(resources, 'list'),
        jest.spyOn(stored, 'touch'),
      ];
      await fetch(`${running.url}/metrics`, { headers: { cookie: browser.cookieHeader } });
      calls.push(asked.reduce((sum, spy) => sum + spy.mock.calls.length, 0));
      jest.restoreAllMocks();
    }
    expect(calls).toEqual([5, 5]);
    expect(await sessions.describe({ id })).toEqual(before);
  });

  it('has fewer than 150 series, with fixed labels, whatever clients do', async () => {
    await start({ resourceTypes: EIGHT_TYPES, maxResources: 3 });
    const idle = await scrape();
    for (let count = 0; count < 40; count += 1) {
      const browser = new Browser(running.url, `Agent-${count}/\u00e9"\\`);
      await browser.fetch(`/files?size=${count}`, { method: 'POST' });
      await browser.fetch('/hello', { headers: { 'user-agent': `Other-${count}` } });
      await browser.fetch(`/login/user-${count}`, { method: 'POST' });
      await fetch(`${running.url}/hello`, { headers: { cookie: `sid=forged-${count}` } });
    }
    const sessions = running.app.get(SessionService);
    const opening = await sessions.open({ ipAddress: '192.0.2.7', userAgent: 'x' });
    if (opening.kind !== 'opened') throw new Error('refused');
    for (const type of EIGHT_TYPES) {
      const file = await sessions.createFile(opening.session, { type });
      await new Promise((resolve) => file.end('x', () => resolve(null)));
      clock.advance(10);
    }
    await runJobs();
    const busy = await scrape();
    expect(busy.value('nest_sessions_opened_total')).toBeGreaterThan(40);
    expect(busy.series.length).toBeLessThan(150);
    const news = busy.series.filter((series) => !idle.series.includes(series));
    expect(news.every((series) => /cleanup_(duration|last_success)|quantile/.test(series))).toBe(true);
    // All types of an earlier configuration share one label.
    await running.app.close();
    await start({ resourceTypes: EIGHT_TYPES.map((type) => `new_${type}`) });
    const renamed = await scrape();
    expect(renamed.value('nest_sessions_resources{type="other"}')).toBe(3);
    expect(renamed.series.length).toBeLessThan(150);
    for (const series of [...busy.series, ...renamed.series]) {
      expect(series).not.toMatch(/Agent|Other-|user-|forged|127\.|192\.|[0-9a-f]{8}-/);
    }
  });

  it('merges into a registry of the application', async () => {
    await start();
    const { registry } = running.app.get(SessionsMetrics);
    const merged = new Exposition(await Registry.merge([new Registry(), registry]).metrics());
    expect(merged.value('nest_sessions_store_up')).toBe(1);
  });

  describe('with a token', () => {
    const REFUSED: readonly (readonly [string, Record<string, string>])[] = [
      ['nothing', {}],
      ['another token', { authorization: `Bearer ${METRICS_TOKEN}x` }],
      ['no scheme', { authorization: METRICS_TOKEN }],
      ['another scheme', { authorization: `Basic ${METRICS_TOKEN}` }],
      ['an empty token', { authorization: 'Bearer ' }],
      ['two of them', { authorization: `Bearer ${METRICS_TOKEN}, Bearer ${METRICS_TOKEN}` }],
      ['another header', { 'x-admin-token': METRICS_TOKEN }],
    ];

    it.each(REFUSED)('%s: 401', async (_name, headers) => {
      await start({ metricsToken: METRICS_TOKEN });
      const response = await fetch(`${running.url}/metrics`, { headers });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await response.json()).toEqual({ message: 'Unauthorized', statusCode: 401 });
    });

    it.each(['Bearer', 'bearer'])('%s and the token: the metrics', async (scheme) => {
      await start({ metricsToken: METRICS_TOKEN });
      const response = await fetch(`${running.url}/metrics`, {
        headers: { authorization: `${scheme} ${METRICS_TOKEN}` },
      });
      expect(response.status).toBe(200);
    });
  });
});

/** The store inside the metered one. */
function storeBeneath(core: SessionsCore): SessionStore {
  return core['parts'].store;
}
