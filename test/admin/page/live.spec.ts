import { SessionService, type SessionsModuleOptions } from 'nest-sessions';
import { SessionsAdminPageModule } from 'nest-sessions/admin';
import { ManualClock } from 'nest-sessions/testing';
import { SessionsCore } from '#sessions/core/core';
import { EventStream, type ServerSentEvent } from '../../support/event-stream.js';
import { eventually } from '../../support/eventually.js';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../../support/http-app.js';
import { AdminClient, TOKEN, type SessionList } from '../admin-client.js';
import { OWN_PAGE, PageClient } from './page-client.js';

const MOST_WATCHERS = 50;

describe.each(ADAPTERS)('What changes by itself on the admin page, on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let clock: ManualClock;
  let page: PageClient;
  let streams: EventStream[];

  const options = (): SessionsModuleOptions => ({ adminTokens: [TOKEN], adapters: { clock } });
  const open = async () => {
    const opening = await running.app.get(SessionService).open({ ipAddress: '192.0.2.1', userAgent: 'test' });
    if (opening.kind !== 'opened') throw new Error(opening.kind);
    return opening.session;
  };
  const events = async (query = '', headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${running.url}/admin/sessions/ui/events${query}`, {
      headers: { ...OWN_PAGE, cookie: await page.cookie(), ...headers },
    });
  const watch = async (query = ''): Promise<EventStream> => {
    const stream = new EventStream(await events(query));
    streams.push(stream);
    return stream;
  };
  const idsIn = ({ data }: ServerSentEvent) =>
    (data as unknown as SessionList).sessions.map(({ session_id: id }) => id);

  beforeEach(async () => {
    clock = new ManualClock();
    running = await startApp(adapter, { imports: [SessionsAdminPageModule], options: options() });
    page = new PageClient(`${running.url}/admin/sessions`);
    await page.signIn();
    streams = [];
  });
  afterEach(async () => {
    await Promise.all(streams.map((stream) => stream.close()));
    await running.close();
    jest.restoreAllMocks();
  });

  it('the list: as the route answers it, without resources, and again when it changed', async () => {
    const first = await open();
    const stream = await watch('?limit=10&sort=created_at');
    expect(stream.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(stream.response.headers.get('cache-control')).toContain('no-store');
    expect(stream.response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const shown = await stream.until(({ event }) => event === 'page');
    expect(shown.data).toEqual(
      await new AdminClient(running.url).read('/admin/sessions?limit=10&sort=created_at&resources=none'),
    );
    clock.advance(1000);
    expect(await stream.until(({ event }) => event === 'totals')).toEqual({
      event: 'totals',
      data: { active: 1, total_created: 1, total_cleaned: 0 },
    });
    // Seconds alone have passed.
    expect((await stream.next())?.event).toBe('totals');
    const second = await open();
    expect(idsIn(await stream.until(({ event }) => event === 'page'))).toEqual([first.id, second.id]);
  }, 20_000);

  it('with filters as the list has them', async () => {
    const session = await open();
    await running.app.get(SessionService).login(session, 'ada');
    await open();
    const stream = await watch('?user_id=ada');
    expect(idsIn(await stream.until(({ event }) => event === 'page'))).toEqual([session.id]);
    for (const query of ['?user_id=', '?limit=0', '?colour=red', '?cursor=x']) {
      const refused = await events(query);
      expect([query, refused.status]).toEqual([query, 400]);
      expect(await refused.json()).toMatchObject({ statusCode: 400, message: [expect.any(String)] });
    }
  });

  it('one question for all who watch the same list', async () => {
    const find = jest.spyOn(running.app.get(SessionsCore).lists, 'find');
    const begunAt = performance.now();
    const watching = await Promise.all(['?limit=5', '?limit=5', '?limit=5'].map(watch));
    for (const stream of watching) await stream.until(({ event }) => event === 'page');
    // It is repeated each second.
    const seconds = Math.floor((performance.now() - begunAt) / 1000);
    expect(find.mock.calls.length).toBeLessThanOrEqual(1 + seconds);
    await watch('?limit=6');
    await eventually('the other list is asked for', async () => find.mock.calls.length > 1);
  });

  it('tells that the store does not answer, and goes on when it does', async () => {
    const stream = await watch();
    await stream.until(({ event }) => event === 'totals');
    const totals = jest
      .spyOn(running.app.get(SessionsCore).service, 'totals')
      .mockRejectedValue(new Error('away'));
    expect(await stream.until(({ event }) => event === 'fault')).toEqual({
      event: 'fault',
      data: { statusCode: 503, message: 'The store does not answer.' },
    });
    totals.mockRestore();
    await stream.until(({ event }) => event === 'totals');
  }, 20_000);

  it('ends with the sign-in', async () => {
    const stream = await watch();
    await stream.until(({ event }) => event === 'totals');
    clock.advance(8 * 3_600_000);
    expect(await stream.until(({ event }) => event === 'signed-out')).toEqual({
      event: 'signed-out',
      data: {},
    });
    expect(await stream.next()).toBeNull();
    expect((await events()).status).toBe(401);
  }, 20_000);

  it('ends with the server, at once', async () => {
    const stream = await watch();
    await stream.until(({ event }) => event === 'totals');
    const closing = running.app.close();
    while (await stream.next());
    await closing;
    expect(await stream.next()).toBeNull();
    running = await startApp(adapter, { imports: [SessionsAdminPageModule], options: options() });
  });

  it(`is for ${MOST_WATCHERS} pages at a time: 503 for more, until one is closed`, async () => {
    for (let count = 0; count < MOST_WATCHERS; count += 1) await watch('?limit=1');
    const refused = await events('?limit=1');
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      statusCode: 503,
      message: expect.stringContaining('50 pages'),
    });
    await streams.pop()!.close();
    await eventually('there is room', async () => {
      const response = await events('?limit=1');
      if (response.ok) streams.push(new EventStream(response));
      return response.ok;
    });
  }, 20_000);

  it('is for operators alone: 401, also with the header', async () => {
    const none = { cookie: '', 'x-admin-token': 'wrong' };
    for (const path of ['events', 'overview']) {
      const answer = await fetch(`${running.url}/admin/sessions/ui/${path}`, { headers: none });
      expect([path, answer.status]).toEqual([path, 401]);
      await answer.body?.cancel();
    }
    const stream = new EventStream(await events('', { cookie: '', 'x-admin-token': TOKEN }));
    streams.push(stream);
    expect((await stream.next())?.event).toMatch(/page|totals/);
  });

  it('the overview: cleanup, processes, nodes, alerts, stuck items and the clock', async () => {
    await open();
    const { status, text } = await page.request('ui/overview');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      sessions: { active: 1, total_created: 1, total_cleaned: 0 },
      cleanup: { idle: expect.anything(), expired: expect.anything(), orphans: expect.anything() },
      due: { idle: 0, expired: 0 },
      stuck: [],
      alerts: [],
      processes: [{ role: 'server', alive: true, pid: process.pid, version: expect.any(String) }],
      nodes: [{ state: 'here' }],
      clock: { state: expect.any(String) },
    });
  });
});
