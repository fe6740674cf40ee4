import { ValidationPipe, type INestApplication } from '@nestjs/common';
import { SessionService } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { AdminClient, statusOrReset, TOKEN, type SessionList } from './admin-client.js';

const ID = '0e8fb3bb-5a3c-4be5-9f8a-1d1a3f7f6a11';

/** Every message that a refused query can get. */
const REFUSALS = new Set([
  'unknown parameter: use limit, cursor, sort, user_id, ip, idle_over, bytes_over, near_limit, state, resources',
  'limit must be a whole number from 1 to 1000',
  'limit must be a string',
  'sort must be one of created_at, -created_at, last_activity, -last_activity, total_bytes_used, -total_bytes_used',
  'state must be one of live, ended',
  'resources must be one of all, none',
  'ip must be an address, or a network such as 192.0.2.0/24 or 2001:db8::/32',
  'idle_over must be a whole number of seconds, from 0 to 9999999999',
  'bytes_over must be a whole number of bytes, from 0 to 999999999999999',
  'near_limit must be a whole number of percent, from 1 to 100',
  ...['sort', 'ip', 'idle_over', 'bytes_over', 'near_limit', 'resources'].map(
    (name) => `${name} cannot be used with state ended`,
  ),
  'user_id must be well-formed text of 1 to 255 characters, without control characters',
  'cursor must be the next_cursor of another page',
  'cursor must be the next_cursor of another page with the same sort and state',
]);
const STACK = /\bat \S+:\d+|node_modules/;

function cursorOf(...parts: unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

const REFUSED_QUERIES = [
  'limit=0',
  'limit=-1',
  'limit=1001',
  'limit=1e3',
  'limit=1e309',
  'limit=NaN',
  'limit=0x10',
  'limit=1.5',
  'limit=010',
  'limit=%2B5',
  'limit=+5',
  'limit=5%20',
  'limit=%D9%A5',
  'limit=99999999999999999999',
  'limit=',
  'limit',
  'limit=[]',
  'limit=1&limit=2',
  'limit[]=1',
  'limit[$gt]=1',
  'limit[__proto__]=1',
  '__proto__=1',
  '__proto__[limit]=1',
  'constructor=1',
  'hasOwnProperty=1',
  'state=open',
  'state=',
  'state=live&state=ended',
  'resources=',
  'resources=some',
  'ip=',
  'ip=localhost',
  'ip=192.0.2.7:80',
  'ip=192.0.2.0/33',
  'ip=192.0.2.0/',
  'ip=192.0.2.0/-1',
  'ip=192.0.2.0/08',
  'ip=192.0.2.0/24/24',
  'ip=192.0.2',
  'ip=0300.0.2.7',
  'ip=2001:db8::/129',
  'ip=fe80::1%25eth0',
  'ip=::1&ip=::2',
  'ip[]=::1',
  'idle_over=',
  'idle_over=-1',
  'idle_over=1.5',
  'idle_over=1e3',
  'idle_over=10000000000',
  'bytes_over=',
  'bytes_over=01',
  'bytes_over=1000000000000000',
  'bytes_over=1&bytes_over=2',
  'near_limit=',
  'near_limit=0',
  'near_limit=101',
  'near_limit=80%25',
  'state=ended&sort=created_at',
  'state=ended&ip=192.0.2.7',
  'state=ended&idle_over=1',
  'state=ended&bytes_over=1',
  'state=ended&near_limit=1',
  'state=ended&resources=none',
  `state=ended&cursor=${cursorOf('created_at', 1, ID)}`,
  `cursor=${cursorOf('ended', 1, ID)}`,
  'LIMIT=1',
  'sort=;drop',
  'sort=createdAt',
  'sort=--created_at',
  'sort=created_at&sort=created_at',
  'sort=__proto__',
  'user_id=',
  'user_id=a&user_id=b',
  'user_id[$ne]=a',
  'user_id=a%00b',
  'user_id=a%0d%0ab',
  `user_id=${'u'.repeat(256)}`,
  'cursor=',
  'cursor=%%%',
  'cursor=bm90IGpzb24',
  `cursor=${cursorOf('created_at', 1, ID)}=`,
  `cursor=${cursorOf('created_at', 1, ID).slice(0, -3)}`,
  `cursor=${cursorOf('-created_at', 1, ID)}`,
  `cursor=${cursorOf('created_at', 1, ID)}&sort=last_activity`,
  `cursor=${cursorOf('created_at', 1, ID, 'more')}`,
  `cursor=${cursorOf('created_at', '1', ID)}`,
  `cursor=${cursorOf('created_at', 1.5, ID)}`,
  `cursor=${cursorOf('created_at', 1e300, ID)}`,
  `cursor=${cursorOf('created_at', null, ID)}`,
  `cursor=${cursorOf('created_at', 1, "' OR 1=1 --")}`,
  `cursor=${cursorOf('created_at', 1, ID.toUpperCase())}`,
  `cursor=${cursorOf({ sort: 'created_at', instant: 1, id: ID })}`,
  `cursor=${Buffer.from(`[ "created_at",1,"${ID}"]`).toString('base64url')}`,
  `cursor=${'A'.repeat(8000)}`,
];

const UNKNOWN_IDS = [
  ID,
  ID.toUpperCase(),
  `${ID}%00`,
  `${ID}%20`,
  `${ID}.`,
  ID.replaceAll('-', ''),
  `{${ID}}`,
  '..%2f..%2fetc%2fpasswd',
  '%2e%2e',
  '%252e%252e%252f',
  '%00',
  'ses_',
  '__proto__',
  "'%20OR%201=1%20--",
  '%EF%BC%90e8fb3bb-5a3c-4be5-9f8a-1d1a3f7f6a11',
  ';a=b',
  '0',
];

const PIPES = {
  'no pipes': () => undefined,
  'a strict global pipe': (app: INestApplication) =>
    app.useGlobalPipes(
      new ValidationPipe({
        whitelist: true,
        forbidNonWhitelisted: true,
        transform: true,
        transformOptions: { enableImplicitConversion: true },
      }),
    ),
};

describe.each(ADAPTERS)('bad admin input on %s', (adapter: AdapterName) => {
  describe.each(Object.entries(PIPES))('with %s', (_name, configure) => {
    let running: RunningApp;
    let admin: AdminClient;

    beforeAll(async () => {
      running = await startApp(adapter, {
        imports: [SessionsAdminModule],
        options: { adminTokens: [TOKEN] },
        configure,
      });
      admin = new AdminClient(running.url);
    });

    afterAll(() => running.close());

    it.each(REFUSED_QUERIES)('?%s is refused with 400, and not echoed', async (query) => {
      const { status, text } = await admin.request(`/admin/sessions?${query}`);
      const { message, ...rest } = JSON.parse(text) as { message: string[] };
      expect([status, rest]).toEqual([400, { error: 'Bad Request', statusCode: 400 }]);
      expect(message.length).toBeGreaterThan(0);
      expect(message.filter((fault) => !REFUSALS.has(fault))).toEqual([]);
    });

    it.each(['limit=1', 'limit=1000', 'limit=999&sort=-last_activity&user_id=%25', 'user_id=%F0%9F%8E%A7'])(
      '?%s is fine',
      async (query) => {
        expect((await admin.request(`/admin/sessions?${query}`)).status).toBe(200);
      },
    );

    it('a user id that cannot be decoded matches no session', async () => {
      const { status, text } = await admin.request('/admin/sessions?user_id=%E0%A4%A');
      // Express replaces it by U+FFFD, Fastify leaves it encoded.
      expect(status).toBe(adapter === 'express' ? 400 : 200);
      expect(text).not.toContain('session_id');
    });

    it('thousands of parameters: 400', async () => {
      const many = Array.from({ length: 3000 }, (_, index) => `a${index}=`).join('&');
      expect((await admin.request(`/admin/sessions?limit=1&${many.slice(0, 14_000)}`)).status).toBe(400);
    });

    it('64 KiB of cursor: Node itself refuses it, and keeps serving', async () => {
      const path = `/admin/sessions?cursor=${'A'.repeat(65_536)}`;
      expect(await statusOrReset(admin.request(path))).toBe(431);
      expect((await admin.request('/admin/sessions')).status).toBe(200);
    });

    it.each(UNKNOWN_IDS)(
      'session %s is unknown: 404 to read, 404 for its timeline, 404 to clean up',
      async (id) => {
        const shown = await admin.request(`/admin/sessions/${id}`);
        const told = await admin.request(`/admin/sessions/${id}/timeline`);
        const cleaned = await admin.cleanup(id);
        expect([shown.status, told.status, cleaned.status]).toEqual([404, 404, 404]);
        for (const { text } of [shown, told]) {
          const { message } = JSON.parse(text) as { message: string };
          expect(message).toMatch(/^(No session has this id, or it ended too long ago\.|Cannot GET \S+)$/);
        }
        const { message } = JSON.parse(cleaned.text) as { message: string };
        expect(message).toMatch(/^(No live session has this id\.|Cannot POST \S+)$/);
      },
    );

    it.each(['%E0%A4%A', '%', '%zz'])('a path that cannot be decoded (%s): 4xx', async (id) => {
      const { status, text } = await admin.request(`/admin/sessions/${id}`);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(text).not.toMatch(STACK);
    });

    it('an id of 10 KiB: 4xx', async () => {
      const { status } = await admin.request(`/admin/sessions/${'a'.repeat(10_240)}`);
      expect([404, 414]).toContain(status);
    });

    it.each([
      ['PUT', ''],
      ['DELETE', `/${ID}`],
      ['PATCH', `/${ID}`],
      ['GET', `/${ID}/cleanup`],
      ['POST', ''],
      ['POST', '/metrics'],
      ['TRACE', ''],
    ])('%s /admin/sessions%s is no route: 4xx', async (method, path) => {
      const { status } = await admin.request(`/admin/sessions${path}`, { method });
      expect([404, 405]).toContain(status);
    });
  });

  it('without a token, no spelling of the path shows anything', async () => {
    const running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      options: { adminTokens: [TOKEN] },
    });
    try {
      const opening = await running.app
        .get(SessionService)
        .open({ ipAddress: '192.0.2.7', userAgent: 'test' });
      const id = opening.kind === 'opened' ? opening.session.id : '';
      const stranger = new AdminClient(running.url, null);
      const spellings = [
        '/admin/sessions/',
        '//admin/sessions',
        '/ADMIN/SESSIONS',
        '/admin//sessions',
        '/admin/./sessions',
        '/x/../admin/sessions',
        '/admin/sessions;a=b',
        '/%61dmin/sessions',
        `${running.url}/admin/sessions`,
      ];
      for (const [index, path] of spellings.entries()) {
        for (const method of ['GET', 'HEAD', 'OPTIONS']) {
          const { status, text } = await stranger.request(path, { method, from: `127.0.1.${index + 1}` });
          expect(text).not.toContain(id);
          // Express answers OPTIONS with the allowed methods.
          expect(method === 'OPTIONS' ? [200, 400, 401, 404] : [400, 401, 404]).toContain(status);
        }
      }
      const list = await new AdminClient(running.url).read<SessionList>('/admin/sessions');
      expect(list.sessions.map(({ session_id }) => session_id)).toEqual([id]);
    } finally {
      await running.close();
    }
  });
});
