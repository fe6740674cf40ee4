import { SessionService, SessionsError } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { ManualClock } from 'nest-sessions/testing';
import { SessionsCore } from '#sessions/core/core';
import { timelineCursor } from '#sessions/operate/lists/page-cursor';
import { Browser } from '../support/browser.js';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { OwnerController } from '../support/owner-app.js';
import { AdminClient, KEY_ID, TOKEN } from './admin-client.js';

interface Timeline {
  readonly session_id: string;
  readonly state: string;
  readonly entries: (Record<string, unknown> & { at: string; kind: string })[];
  readonly next_cursor?: string;
}

const UNKNOWN = '0e8fb3bb-5a3c-4be5-9f8a-1d1a3f7f6a11';
const CLIENT = { kind: 'client' };
const MINUTE = 60_000;

describe.each(ADAPTERS)('the timeline of a session on %s', (adapter: AdapterName) => {
  const clock = new ManualClock();
  let running: RunningApp;
  let admin: AdminClient;

  async function start(options: object = {}): Promise<void> {
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OwnerController],
      options: { adminTokens: [TOKEN], adapters: { clock }, maxBytes: 1000, maxResources: 2, ...options },
    });
    admin = new AdminClient(running.url);
  }

  beforeEach(() => start());
  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
  });

  async function visitor(): Promise<{ browser: Browser; id: string }> {
    const browser = new Browser(running.url);
    const { id } = (await (await browser.fetch('/hello')).json()) as { id: string };
    return { browser, id };
  }

  const timeline = (id: string, query = ''): Promise<Timeline> =>
    admin.read<Timeline>(`/admin/sessions/${id}/timeline${query}`);

  it('of a live one: what happened so far, in order, and nothing of its client', async () => {
    const { browser, id } = await visitor();
    clock.advance(20_000);
    await browser.fetch('/login/anna', { method: 'POST' });
    clock.advance(17_000);
    for (const size of [2000, 700, 200, 500]) {
      await browser.fetch(`/files?size=${size}`, { method: 'POST' });
      clock.advance(1000);
    }
    const told = await timeline(id);
    expect(told).toMatchObject({ session_id: id, state: 'live' });
    const [opened, login, refused, ...evicted] = told.entries;
    const at = (secondsAgo: number): string => new Date(clock.now() - secondsAgo * 1000).toISOString();
    expect(opened).toEqual({ at: at(41), kind: 'opened', by: CLIENT });
    expect(login).toEqual({
      at: at(21),
      kind: 'login',
      by: CLIENT,
      user_hash: expect.stringMatching(/^[\w-]{22}$/) as unknown,
    });
    const refusal = { at: at(4), kind: 'refused', by: null, reason: 'too_large', quota: null };
    expect(refused).toEqual({ ...refusal, size_bytes: 2000, limit_bytes: 1000 });
    expect(evicted).toEqual([
      {
        at: at(1),
        kind: 'evicted',
        by: expect.anything() as unknown,
        resource_id: expect.any(String) as unknown,
        type: 'audio_file',
        size_bytes: 700,
      },
    ]);
    expect(told.next_cursor).toBeUndefined();
    expect(JSON.stringify(told)).not.toMatch(/anna|phrase|127\.0\.0|sid=/);
  });

  it('of an ended one: with who ended it, when, and what it held', async () => {
    const { browser, id } = await visitor();
    await browser.fetch('/files?size=600', { method: 'POST' });
    clock.advance(3 * MINUTE);
    await admin.cleanup(id);
    const { state, entries } = await timeline(id);
    expect(state).toBe('ended');
    const by = { kind: 'admin', key_id: KEY_ID };
    const at = new Date(clock.now()).toISOString();
    const held = { duration_seconds: 180, request_count: 2, resource_count: 1, total_bytes_used: 600 };
    expect(entries.at(-1)).toEqual({ at, kind: 'ended', by, reason: 'admin', ...held });
  });

  it('of an ended one is kept journalHours, and is unknown after that', async () => {
    const { browser, id } = await visitor();
    await browser.fetch('/session', { method: 'DELETE' });
    const { cleanup } = running.app.get(SessionsCore);
    clock.advance(23 * 60 * MINUTE);
    await cleanup.runAll();
    expect((await timeline(id)).entries.map(({ kind }) => kind)).toEqual(['opened', 'ended']);
    expect((await admin.request(`/admin/sessions/${id}`)).status).toBe(200);
    clock.advance(2 * 60 * MINUTE);
    await cleanup.runAll();
    const answers = await Promise.all([
      admin.request(`/admin/sessions/${id}/timeline`),
      admin.request(`/admin/sessions/${id}`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    expect(answers.map(({ text }) => (JSON.parse(text) as { message: string }).message)).toEqual([
      'No session has this id, or it ended too long ago.',
      'No session has this id, or it ended too long ago.',
    ]);
  });

  it('names the job that ended an idle one', async () => {
    const { id } = await visitor();
    clock.advance(16 * MINUTE);
    await running.app.get(SessionsCore).cleanup.runAll();
    const by = { kind: 'job', job: 'idle', host: expect.any(String) as unknown, pid: process.pid };
    expect((await timeline(id)).entries.at(-1)).toMatchObject({ kind: 'ended', reason: 'unconfirmed', by });
  });

  it('is of one that is ending while no cleanup has ended it yet', async () => {
    const { browser, id } = await visitor();
    await browser.fetch('/hello');
    clock.advance(16 * MINUTE);
    expect(await timeline(id)).toMatchObject({ state: 'ending', entries: [{ kind: 'opened' }] });
    expect(await admin.read(`/admin/sessions/${id}`)).toMatchObject({
      session_id: id,
      state: 'ending',
      end_reason: 'idle',
      ended_at: null,
      ended_by: null,
    });
    expect((await admin.cleanup(UNKNOWN)).status).toBe(404);
  });

  it('has requests with the option, also of one that is over', async () => {
    await running.close();
    await start({ journal: 'requests' });
    const { browser, id } = await visitor();
    await browser.fetch('/files?size=10', { method: 'POST' });
    await admin.cleanup(id);
    const { entries } = await timeline(id);
    const requests = entries.filter(({ kind }) => kind === 'request');
    expect(requests).toMatchObject([
      { by: null, method: 'GET', route: '/hello', status: 200, path: null },
      { by: null, method: 'POST', route: '/files', status: 201, path: null },
    ]);
    expect(Object.keys(requests[0] ?? {})).toEqual([
      'at',
      'kind',
      'by',
      'method',
      'route',
      'path',
      'status',
      'duration_seconds',
      'received_bytes',
      'sent_bytes',
      'request_type',
      'response_type',
    ]);
    expect(entries.filter(({ kind }) => kind === 'placed')).toMatchObject([
      { by: null, type: 'audio_file', size_bytes: 10 },
    ]);
  });

  it('in pages of any size has every entry once', async () => {
    const { browser, id } = await visitor();
    for (let count = 0; count < 8; count += 1) {
      clock.advance(count % 3);
      await browser.fetch('/files?size=2000', { method: 'POST' });
    }
    const { entries } = await timeline(id);
    expect(entries).toHaveLength(9);
    for (const limit of [1, 2, 4, 8, 9, 10]) {
      const read: Timeline['entries'] = [];
      let query = `?limit=${limit}`;
      for (let page = 0; query !== '' && page < 10; page += 1) {
        const told = await timeline(id, query);
        read.push(...told.entries);
        expect(told.entries.length).toBeLessThanOrEqual(limit);
        query = told.next_cursor === undefined ? '' : `?limit=${limit}&cursor=${told.next_cursor}`;
      }
      expect(read).toEqual(entries);
    }
  });

  it('is empty without a journal, and of an end the reason alone is known', async () => {
    await running.close();
    await start({ journal: 'off' });
    const { browser, id } = await visitor();
    expect(await timeline(id)).toEqual({ session_id: id, state: 'live', entries: [] });
    await browser.fetch('/session', { method: 'DELETE' });
    expect(await timeline(id)).toEqual({ session_id: id, state: 'ended', entries: [] });
    expect(await admin.read(`/admin/sessions/${id}`)).toEqual({
      session_id: id,
      state: 'ended',
      created_at: expect.any(String) as unknown,
      ended_at: null,
      end_reason: 'ended',
      ended_by: null,
      duration_seconds: null,
      request_count: null,
      resource_count: null,
      total_bytes_used: null,
    });
  });

  it('503 if the store does not answer', async () => {
    const { id } = await visitor();
    const { journal } = running.app.get(SessionsCore).store;
    jest.spyOn(journal, 'read').mockRejectedValueOnce(new SessionsError('STORE_UNAVAILABLE', 'no'));
    expect((await admin.request(`/admin/sessions/${id}/timeline`)).status).toBe(503);
  });

  it('is no activity of the session', async () => {
    const { id } = await visitor();
    const sessions = running.app.get(SessionService);
    const before = await sessions.describe({ id });
    clock.advance(1000);
    await timeline(id);
    expect(await sessions.describe({ id })).toEqual(before);
  });
});

describe.each(ADAPTERS)('bad input to the timeline on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let admin: AdminClient;
  let id: string;

  beforeAll(async () => {
    const options = { adminTokens: [TOKEN] };
    running = await startApp(adapter, { imports: [SessionsAdminModule], options });
    admin = new AdminClient(running.url);
    const opening = await running.app.get(SessionService).open({ ipAddress: '192.0.2.7', userAgent: 'test' });
    id = opening.kind === 'opened' ? opening.session.id : '';
  });
  afterAll(() => running.close());

  it.each([
    'limit=0',
    'limit=1001',
    'limit=x',
    'limit=1&limit=2',
    'sort=created_at',
    '__proto__=1',
    'cursor=',
    'cursor=zzz',
    'cursor=e30',
    `cursor=${'A'.repeat(8000)}`,
    `cursor=${Buffer.from('["audit","1-0"]').toString('base64url')}`,
    `cursor=${timelineCursor({ sessionId: UNKNOWN, position: '1' })}`,
  ])('?%s is refused with 400, and not echoed', async (query) => {
    const { status, text } = await admin.request(`/admin/sessions/${id}/timeline?${query}`);
    expect([status, text.length < 300]).toEqual([400, true]);
    expect(text).not.toContain('zzz');
  });

  it.each([
    '0',
    '-1',
    'x',
    '1-0',
    '0-0',
    '1:2',
    '1:2:3',
    '1.5',
    '99999999999999999999',
    '9'.repeat(200),
    "1'OR'1'='1",
    '[1,2]',
    '{"a":1}',
    'null',
    '+',
    '*',
    '~',
  ])(
    'a cursor with the position %s, which no page had, is refused or leads somewhere, and is never a 500',
    async (position) => {
      const cursor = timelineCursor({ sessionId: id, position });
      const { status } = await admin.request(`/admin/sessions/${id}/timeline?cursor=${cursor}`);
      expect([200, 400]).toContain(status);
    },
  );
});

describe.each(ADAPTERS)('an ended session on %s', (adapter: AdapterName) => {
  it('answers when, why and by whom it ended, and what it held, beside a live one', async () => {
    const clock = new ManualClock();
    const running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OwnerController],
      options: { adminTokens: [TOKEN], adapters: { clock } },
    });
    try {
      const admin = new AdminClient(running.url);
      const browser = new Browser(running.url);
      const { id } = (await (await browser.fetch('/hello')).json()) as { id: string };
      await browser.fetch('/login/anna', { method: 'POST' });
      await browser.fetch('/files?size=600', { method: 'POST' });
      clock.advance(90_500);
      const live = await admin.read<Record<string, unknown>>(`/admin/sessions/${id}`);
      expect(live).not.toHaveProperty('state');
      expect(live).not.toHaveProperty('ended_at');
      await browser.fetch('/session', { method: 'DELETE' });
      expect(await admin.read(`/admin/sessions/${id}`)).toEqual({
        session_id: id,
        state: expect.stringMatching(/^end(ing|ed)$/) as unknown,
        created_at: live['created_at'],
        ended_at: new Date(clock.now()).toISOString(),
        end_reason: 'ended',
        ended_by: CLIENT,
        duration_seconds: 90,
        request_count: expect.any(Number) as unknown,
        resource_count: 1,
        total_bytes_used: 600,
      });
      expect((await admin.cleanup(id)).status).toBe(404);
    } finally {
      await running.close();
    }
  });
});
