import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cleanup, CLEANUP_JOBS } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { SessionStore } from 'nest-sessions/store';
import { ManualClock } from 'nest-sessions/testing';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { OwnerController } from '../support/owner-app.js';
import { AdminClient, TOKEN, type SessionList } from './admin-client.js';

const START = Date.parse('2026-03-01T12:00:00.000Z');

async function idOf(response: Response): Promise<string> {
  return ((await response.json()) as { id: string }).id;
}

/** Runs the jobs that the schedule would run within the next second. */
async function runDueJobs({ app }: RunningApp): Promise<void> {
  const cleanup = app.get(Cleanup);
  for (const job of CLEANUP_JOBS) await cleanup.runIfDue(job);
}

describe.each(ADAPTERS)('admin JSON on %s', (adapter: AdapterName) => {
  let clock: ManualClock;
  let storagePath: string;
  let running: RunningApp;
  let admin: AdminClient;

  async function start(): Promise<void> {
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OwnerController],
      options: { storagePath, adminTokens: [TOKEN], adapters: { clock } },
    });
    admin = new AdminClient(running.url);
  }

  beforeEach(async () => {
    clock = new ManualClock(START);
    storagePath = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
    await start();
  });

  afterEach(async () => {
    await running.close();
    await rm(storagePath, { recursive: true, force: true });
  });

  /** Anna uploads twice and logs in; Ben sends one request; Carl uploads and ends his session. */
  async function traffic() {
    const anna = new Browser(running.url, 'Anna/1.0');
    const annaId = await idOf(await anna.fetch('/hello'));
    const first = await idOf(await anna.fetch('/files?size=1000', { method: 'POST' }));
    clock.advance(10_000);
    const second = await idOf(await anna.fetch('/files?size=234', { method: 'POST' }));
    await anna.fetch('/login/anna', { method: 'POST' });
    const benId = await idOf(await new Browser(running.url, 'Ben/1.0').fetch('/hello'));
    const carl = new Browser(running.url, 'Carl/1.0');
    await carl.fetch('/files?size=66', { method: 'POST' });
    clock.advance(2500);
    await carl.fetch('/session', { method: 'DELETE' });
    const { ledger } = running.app.get(SessionStore);
    await eventually('his file is deleted', async () => (await ledger.totals()).ending === 0);
    clock.advance(2500);
    return { annaId, benId, first, second, cookie: anna.cookieHeader };
  }

  function annaAsSeen({ annaId, first, second }: { annaId: string; first: string; second: string }) {
    const file = {
      type: 'audio_file',
      purpose: 'transcription',
      file_name: 'phrase.wav',
      media_type: 'audio/wav',
    };
    return {
      session_id: annaId,
      user_id: 'anna',
      ip_address: '127.0.0.1',
      created_at: '2026-03-01T12:00:00.000Z',
      last_activity: '2026-03-01T12:00:10.000Z',
      expires_at: '2026-03-01T13:00:00.000Z',
      idle_expires_at: '2026-03-01T12:15:10.000Z',
      duration_seconds: 15,
      idle_seconds: 5,
      request_count: 4,
      resource_count: 2,
      total_bytes_used: 1234,
      share_of_limit: 2,
      incoming: { resources: 0, bytes: 0 },
      resources: [
        {
          ...file,
          resource_id: first,
          size_bytes: 1000,
          created_at: '2026-03-01T12:00:00.000Z',
          last_used_at: '2026-03-01T12:00:00.000Z',
        },
        {
          ...file,
          resource_id: second,
          size_bytes: 234,
          created_at: '2026-03-01T12:00:10.000Z',
          last_used_at: '2026-03-01T12:00:10.000Z',
        },
      ],
    };
  }

  it('lists sessions field for field, with their resources and overall statistics', async () => {
    const known = await traffic();
    expect(await admin.read('/admin/sessions')).toEqual({
      sessions: [
        annaAsSeen(known),
        {
          session_id: known.benId,
          user_id: null,
          ip_address: '127.0.0.1',
          created_at: '2026-03-01T12:00:10.000Z',
          last_activity: '2026-03-01T12:00:10.000Z',
          expires_at: '2026-03-01T13:00:10.000Z',
          // His cookie has not come back.
          idle_expires_at: '2026-03-01T12:01:10.000Z',
          duration_seconds: 5,
          idle_seconds: 5,
          request_count: 1,
          resource_count: 0,
          total_bytes_used: 0,
          share_of_limit: 0,
          incoming: { resources: 0, bytes: 0 },
          resources: [],
        },
      ],
      stats: {
        total_sessions_created: 3,
        total_sessions_cleaned: 1,
        active_sessions: 2,
        avg_session_duration: 2.5,
        avg_resources_per_session: 1,
      },
    });
  });

  it('shows one session with its user agent, and what it uses of its limits', async () => {
    const known = await traffic();
    expect(await admin.read(`/admin/sessions/${known.annaId}`)).toEqual({
      ...annaAsSeen(known),
      user_agent: 'Anna/1.0',
      limits: {
        files: { used: 2, max: 100, used_percent: 2 },
        bytes: { used: 1234, max: 104_857_600, used_percent: 0 },
        streams: { used: 0, max: 20, used_percent: 0 },
      },
    });
  });

  it('tells the absolute end where that comes before the idle end', async () => {
    const { annaId, cookie } = await traffic();
    const anna = new Browser(running.url, 'Anna/1.0');
    for (let minutes = 0; minutes < 50; minutes += 10) {
      clock.advance(600_000);
      await anna.fetch('/hello', { headers: { cookie } });
    }
    const { expires_at: end, idle_expires_at: idleEnd } = await admin.read<Record<string, unknown>>(
      `/admin/sessions/${annaId}`,
    );
    expect([end, idleEnd]).toEqual(['2026-03-01T13:00:00.000Z', '2026-03-01T13:00:00.000Z']);
  });

  it('shows totals, limits and cleanup jobs', async () => {
    await traffic();
    const job = { last_run: null, duration_seconds: null, items: null, failures: null };
    const waiting = { ...job, next_run: '2026-03-01T12:01:00.000Z' };
    expect(await admin.read('/admin/sessions/metrics')).toEqual({
      sessions: { active: 2, total_created: 3, total_cleaned: 1 },
      resources: { active: 2, total_cleaned: 1, active_bytes: 1234, total_bytes_cleaned: 66 },
      limits: {
        max_session_duration: 3600,
        max_idle_time: 900,
        max_resources_per_session: 100,
        max_bytes_per_session: 104_857_600,
      },
      cleanup: { idle: waiting, expired: waiting, orphans: waiting },
    });
  });

  it('keeps totals, sessions and latest runs across a restart', async () => {
    const known = await traffic();
    clock.advance(60_000);
    await runDueJobs(running);
    await running.app.close();
    await start();
    const { sessions, stats } = await admin.read<SessionList>('/admin/sessions');
    // Ben never returned his cookie and has no files: the cleanup ended his session after a minute.
    expect(sessions).toEqual([{ ...annaAsSeen(known), duration_seconds: 75, idle_seconds: 65 }]);
    expect(stats).toEqual({
      total_sessions_created: 3,
      total_sessions_cleaned: 2,
      active_sessions: 1,
      avg_session_duration: (2.5 + 65) / 2,
      avg_resources_per_session: 2,
    });
    const ran = { last_run: '2026-03-01T12:01:15.000Z', duration_seconds: 0, failures: 0 };
    expect(await admin.read('/admin/sessions/metrics')).toMatchObject({
      sessions: { active: 1, total_created: 3, total_cleaned: 2 },
      resources: { active: 2, total_cleaned: 1, active_bytes: 1234, total_bytes_cleaned: 66 },
      cleanup: {
        idle: { ...ran, items: 1, next_run: '2026-03-01T12:02:15.000Z' },
        expired: { ...ran, items: 0 },
        orphans: ran,
      },
    });
  });

  it('reads without touching, counting or opening a session', async () => {
    const { annaId, cookie } = await traffic();
    const before = await admin.read<SessionList>('/admin/sessions');
    const paths = ['', '/metrics', '/users', '/users/anna', `/${annaId}`];
    for (const path of paths.map((end) => `/admin/sessions${end}`)) {
      const asAnna = { headers: { 'user-agent': 'Anna/1.0', cookie } };
      const { status, headers } = await admin.request(path, asAnna);
      expect([status, headers['set-cookie']]).toEqual([200, undefined]);
    }
    expect(await admin.read('/admin/sessions')).toEqual(before);
  });

  it('shows no token, no hash of one and no path', async () => {
    const anna = new Browser(running.url);
    await anna.fetch('/files?size=10', { method: 'POST' });
    await anna.fetch('/login/anna', { method: 'POST' });
    const secret = anna.cookieHeader.split('=')[1] ?? '';
    expect(secret).toHaveLength(45);
    const texts = await Promise.all(
      ['', '/metrics', '/users'].map(async (path) => (await admin.request(`/admin/sessions${path}`)).text),
    );
    for (const text of texts) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(storagePath);
      expect(text).not.toMatch(/hash|epoch|state|instance/i);
    }
  });
});
