import { createHash, randomUUID } from 'node:crypto';
import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import { SessionService, SkipSession } from 'nest-sessions';
import { AdminTokenGuard, SessionsAdminModule } from 'nest-sessions/admin';
import { ManualClock } from 'nest-sessions/testing';
import { AdminAccess } from '#sessions/admin/access/admin-access';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import type { VerbatimResponse } from '../support/verbatim-request.js';
import { AdminClient, KEY_ID, TOKEN } from './admin-client.js';

const READ_TOKEN = 'a-token-that-looks-at-everything-and-no-more';
const READ_KEY_ID = createHash('sha256').update(READ_TOKEN).digest('hex').slice(0, 8);
const BULK = '/admin/sessions/cleanup';
const MINUTE = 60_000;

@Controller('own')
@SkipSession()
@UseGuards(AdminTokenGuard)
class OwnController {
  @Get()
  look() {
    return {};
  }

  @Post()
  change() {
    return {};
  }
}

interface Audit {
  readonly entries: { deed: string; subject: string | null; outcome: string; by: object }[];
  readonly wrong_tokens: object[];
}

describe.each(ADAPTERS)('a token that may only look, on %s', (adapter: AdapterName) => {
  let clock: ManualClock;
  let running: RunningApp;
  let admin: AdminClient;
  let viewer: AdminClient;

  async function start(adminTokens: string[]): Promise<void> {
    clock = new ManualClock();
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OwnController],
      options: { adminTokens, adminReadTokens: [READ_TOKEN], adapters: { clock }, store: 'memory' },
    });
    admin = new AdminClient(running.url);
    viewer = new AdminClient(running.url, READ_TOKEN);
  }

  beforeEach(() => start([TOKEN]));
  afterEach(() => running.close());

  async function open(): Promise<string> {
    const opening = await running.app.get(SessionService).open({ ipAddress: '192.0.2.7', userAgent: 'test' });
    if (opening.kind !== 'opened') throw new Error('refused');
    return opening.session.id;
  }

  const audit = (): Promise<Audit> => admin.read<Audit>('/admin/sessions/audit');

  function expectRefusal({ status, text, headers }: VerbatimResponse): void {
    expect([status, JSON.parse(text)]).toEqual([
      403,
      { statusCode: 403, code: 'ADMIN_READ_ONLY', message: expect.any(String) as string },
    ]);
    expect(headers['cache-control']).toBe('no-store');
  }

  it('reads what a full one reads', async () => {
    const id = await open();
    for (const path of [
      '',
      '/metrics',
      '/users',
      '/users/anna',
      '/trends',
      '/audit',
      `/${id}`,
      `/${id}/timeline`,
    ]) {
      const [seen, all] = await Promise.all(
        [viewer, admin].map((client) => client.request(`/admin/sessions${path}`)),
      );
      expect([path, seen?.status, seen?.text]).toEqual([path, 200, all?.text]);
    }
    expect((await viewer.request(`/admin/sessions/${id}`, { method: 'HEAD' })).status).toBe(200);
  });

  it('changes nothing: 403 on every route that does, and the audit has each attempt', async () => {
    const id = await open();
    expectRefusal(await viewer.cleanup(id));
    expectRefusal(await viewer.cleanup('no-uuid'));
    expectRefusal(await viewer.post(BULK, { ids: [id] }));
    expectRefusal(await viewer.post(BULK, { filter: { idle_over: 0 }, dry_run: true }));
    expectRefusal(await viewer.post('/own', {}));
    expect((await admin.request(`/admin/sessions/${id}`)).text).toContain('"user_id":null');
    const { entries, wrong_tokens: wrong } = await audit();
    expect(entries).toHaveLength(4);
    const refused = { outcome: 'refused', by: { kind: 'admin', key_id: READ_KEY_ID }, sessions: 0 };
    expect(entries).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ deed: 'end', subject: id, ...refused }),
        expect.objectContaining({ deed: 'end', subject: null, ...refused }),
        expect.objectContaining({ deed: 'end-many', subject: null, ...refused }),
      ]),
    );
    expect(wrong).toEqual([]);
    expect((await viewer.request('/own')).status).toBe(200);
    expect((await admin.post('/own', {})).status).toBe(201);
  });

  it.each(['PUT', 'PATCH', 'DELETE'])('has no other way: %s', async (method) => {
    const id = await open();
    const { status } = await viewer.request(`/admin/sessions/${id}`, { method });
    expect([403, 404, 405]).toContain(status);
    const overridden = await viewer.request(`/admin/sessions/${id}/cleanup`, {
      method: 'POST',
      headers: { 'x-http-method-override': 'GET' },
    });
    expectRefusal(overridden);
  });

  it('cannot fill the audit: ten attempts a minute are entered', async () => {
    for (let count = 0; count < 25; count += 1) expectRefusal(await viewer.cleanup(randomUUID()));
    expect((await audit()).entries).toHaveLength(10);
    // The window slides in twelfths.
    clock.advance(MINUTE + MINUTE / 12);
    expectRefusal(await viewer.cleanup(randomUUID()));
    expect((await audit()).entries).toHaveLength(11);
    expect((await admin.cleanup(await open())).status).toBe(200);
    expect((await audit()).entries).toHaveLength(12);
  });

  it('is no wrong token, and is admitted while its network is locked out', async () => {
    const stranger = new AdminClient(running.url, 'wrong');
    for (let count = 0; count < 12; count += 1) await stranger.request('/admin/sessions');
    expect((await stranger.request('/admin/sessions')).status).toBe(429);
    expect((await viewer.request('/admin/sessions')).status).toBe(200);
    expectRefusal(await viewer.cleanup(randomUUID()));
  });

  it('alone makes routes that only read', async () => {
    await running.close();
    await start([]);
    const id = await open();
    expect((await viewer.request('/admin/sessions')).status).toBe(200);
    expectRefusal(await viewer.cleanup(id));
    expectRefusal(await viewer.post(BULK, { ids: [id] }));
    expect((await admin.cleanup(id)).status).toBe(401);
    expect((await new AdminClient(running.url, null).request('/admin/sessions')).status).toBe(401);
  });

  it('what says otherwise who sends a request is asked where the header is absent', async () => {
    const access = running.app.get(AdminAccess);
    access.readAlso(({ headers }) =>
      headers['x-looks'] === 'yes' ? { keyId: READ_KEY_ID, access: 'read' } : null,
    );
    access.readAlso(async ({ headers }) =>
      headers['x-acts'] === 'yes' ? { keyId: KEY_ID, access: 'full' } : null,
    );
    const without = new AdminClient(running.url, null);
    const id = await open();
    const as = (name: string) => ({ headers: { [name]: 'yes' } });
    expect((await without.request('/admin/sessions', as('x-looks'))).status).toBe(200);
    expectRefusal(
      await without.request(`/admin/sessions/${id}/cleanup`, { method: 'POST', ...as('x-looks') }),
    );
    const wrong = new AdminClient(running.url, 'wrong');
    expect((await wrong.request('/admin/sessions', as('x-acts'))).status).toBe(401);
    const ended = await without.request(`/admin/sessions/${id}/cleanup`, { method: 'POST', ...as('x-acts') });
    expect(ended.status).toBe(200);
    expect((await without.request('/admin/sessions')).status).toBe(401);
    const [done] = (await audit()).entries;
    expect(done).toMatchObject({ outcome: 'done', by: { kind: 'admin', key_id: KEY_ID } });
  });
});
