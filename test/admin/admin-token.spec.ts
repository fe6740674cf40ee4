import { Controller, Get, UseGuards } from '@nestjs/common';
import { SkipSession } from 'nest-sessions';
import { AdminTokenGuard, SessionsAdminModule } from 'nest-sessions/admin';
import { ManualClock } from 'nest-sessions/testing';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { requestVerbatim } from '../support/verbatim-request.js';
import { AdminClient, statusOrReset, TOKEN } from './admin-client.js';

const OLD_TOKEN = 'the-token-before-it-was-rotated-out-of-use';
const SOME_ID = '0e8fb3bb-5a3c-4be5-9f8a-1d1a3f7f6a11';
const ROUTES = [
  ['GET', '/admin/sessions'],
  ['GET', '/admin/sessions/metrics'],
  ['GET', '/admin/sessions/users'],
  ['GET', '/admin/sessions/users/anna'],
  ['GET', '/admin/sessions/audit'],
  ['GET', `/admin/sessions/${SOME_ID}/timeline`],
  ['GET', `/admin/sessions/${SOME_ID}`],
  ['POST', `/admin/sessions/${SOME_ID}/cleanup`],
  ['GET', '/operators'],
] as const;

/** An application's own route for operators. */
@Controller('operators')
@SkipSession()
@UseGuards(AdminTokenGuard)
class OperatorsController {
  @Get()
  look() {
    return { operators: 1 };
  }
}

const NASTY_TOKENS: readonly (readonly [string, Record<string, string | string[]>])[] = [
  ['none', {}],
  ['empty', { 'X-Admin-Token': '' }],
  ['wrong, of the same length', { 'X-Admin-Token': TOKEN.replace('operator', 'operated') }],
  ['a character short', { 'X-Admin-Token': TOKEN.slice(0, -1) }],
  ['a character long', { 'X-Admin-Token': `${TOKEN}x` }],
  ['in capitals', { 'X-Admin-Token': TOKEN.toUpperCase() }],
  ['twice', { 'X-Admin-Token': [TOKEN, TOKEN] }],
  ['both of the configured ones', { 'X-Admin-Token': `${TOKEN},${OLD_TOKEN}` }],
  ['bytes beyond ASCII', { 'X-Admin-Token': 'é'.repeat(42) }],
  ['a tab inside', { 'X-Admin-Token': `${TOKEN.slice(0, 20)}\t${TOKEN.slice(20)}` }],
  ['JSON', { 'X-Admin-Token': `{"token":"${TOKEN}"}` }],
  ['as a bearer token', { Authorization: `Bearer ${TOKEN}` }],
  ['as a cookie', { Cookie: `X-Admin-Token=${TOKEN}` }],
  ['under __proto__', { ['__proto__']: TOKEN }],
  ['8 KiB of it', { 'X-Admin-Token': TOKEN.repeat(200) }],
];

describe.each(ADAPTERS)('admin token on %s', (adapter: AdapterName) => {
  const clock = new ManualClock();
  let running: RunningApp;
  let admin: AdminClient;
  let stranger: AdminClient;

  beforeAll(async () => {
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OperatorsController],
      options: { adminTokens: [TOKEN, OLD_TOKEN], adapters: { clock } },
    });
    admin = new AdminClient(running.url);
    stranger = new AdminClient(running.url, null);
  });

  afterEach(() => clock.advance(60_000));
  afterAll(() => running.close());

  it.each(ROUTES)(
    '%s %s requires it, and answers the same if it is missing or wrong',
    async (method, path) => {
      const missing = await stranger.request(path, { method });
      const wrong = await stranger.request(path, { method, headers: { 'X-Admin-Token': 'wrong' } });
      expect([missing.status, wrong.status]).toEqual([401, 401]);
      expect(missing.text).toBe(wrong.text);
    },
  );

  it.each(NASTY_TOKENS)('%s: 401, no echo, no session', async (_name, headers) => {
    const answer = await stranger.request('/admin/sessions', { headers });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.text)).toEqual({ message: 'Unauthorized', statusCode: 401 });
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('64 KiB of header: 4xx', async () => {
    const headers = { 'X-Admin-Token': 'x'.repeat(65_536) };
    expect(await statusOrReset(stranger.request('/admin/sessions', { headers }))).toBe(431);
  });

  it('checks the token before anything else', async () => {
    const paths = ['/admin/sessions?limit=0', '/admin/sessions?nope=1', '/admin/sessions/no-uuid'];
    const answers = await Promise.all(paths.map((path) => stranger.request(path)));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
  });

  it('accepts each of several tokens, so that one can replace another', async () => {
    const before = new AdminClient(running.url, OLD_TOKEN);
    expect((await before.request('/admin/sessions')).status).toBe(200);
    expect((await admin.request('/admin/sessions')).status).toBe(200);
  });

  it('guards controllers of the application too', async () => {
    const { status, text } = await admin.request('/operators');
    expect([status, JSON.parse(text)]).toEqual([200, { operators: 1 }]);
  });

  it('forbids caching, sniffing, referrers and framing on every answer', async () => {
    const answers = await Promise.all([
      ...ROUTES.map(([method, path]) => admin.request(path, { method })),
      admin.request('/admin/sessions?limit=0'),
      stranger.request('/admin/sessions'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200, 404, 404, 404, 200, 400, 401,
    ]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      });
      expect(headers['set-cookie']).toBeUndefined();
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  describe('after ten failures in a minute', () => {
    async function failTenTimes(from: string): Promise<void> {
      for (let count = 0; count < 10; count += 1) {
        // Failures on all routes count together.
        const path = count % 2 === 0 ? '/admin/sessions' : '/operators';
        expect((await stranger.request(path, { from })).status).toBe(401);
      }
    }

    it('answers wrong tokens of the network with 429 for a minute, and a twelfth at most', async () => {
      await failTenTimes('127.0.0.2');
      clock.advance(20_500);
      const wrong = await stranger.request('/admin/sessions', { from: '127.0.0.2' });
      expect(wrong.status).toBe(429);
      expect(wrong.headers['cache-control']).toBe('no-store');
      const wait = Number(wrong.headers['retry-after']);
      expect(wait).toBeGreaterThanOrEqual(40);
      expect(wait).toBeLessThanOrEqual(45);
      clock.advance(wait * 1000);
      expect((await stranger.request('/admin/sessions', { from: '127.0.0.2' })).status).toBe(401);
    });

    it('admits a right token of the same network, which strangers may share behind a proxy', async () => {
      await failTenTimes('127.0.0.6');
      expect((await admin.request('/admin/sessions', { from: '127.0.0.6' })).status).toBe(200);
      expect((await admin.request('/operators', { from: '127.0.0.6' })).status).toBe(200);
      expect((await stranger.request('/operators', { from: '127.0.0.6' })).status).toBe(429);
    });

    it('counts other networks on their own', async () => {
      await failTenTimes('127.0.0.3');
      clock.advance(59_999);
      expect((await stranger.request('/admin/sessions', { from: '127.0.0.3' })).status).toBe(429);
      expect((await stranger.request('/admin/sessions', { from: '127.0.0.4' })).status).toBe(401);
    });

    it('counts by the address of the connection, not by forwarding headers', async () => {
      for (let count = 0; count < 10; count += 1) {
        await stranger.request('/admin/sessions', {
          from: '127.0.0.5',
          headers: { 'X-Forwarded-For': `198.51.100.${count}` },
        });
      }
      expect((await stranger.request('/admin/sessions', { from: '127.0.0.5' })).status).toBe(429);
    });
  });
});

describe.each(ADAPTERS)('admin without a token on %s', (adapter: AdapterName) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OperatorsController],
    });
  });

  afterAll(() => running.close());

  it.each(ROUTES)('%s %s answers like a route that does not exist', async (method, path) => {
    const presented: Record<string, string>[] = [{}, { 'X-Admin-Token': TOKEN }, { 'X-Admin-Token': '' }];
    for (const headers of presented) {
      const answer = await requestVerbatim(running.url, path, { method, headers });
      const unknown = await requestVerbatim(running.url, '/no/such/route', { method, headers });
      expect(answer.status).toBe(404);
      expect(answer.text).toBe(unknown.text.replace('/no/such/route', path));
      expect(Object.keys(answer.headers)).toEqual(Object.keys(unknown.headers));
    }
  });
});
