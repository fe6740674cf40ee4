import { ManualClock } from 'nest-sessions/testing';
import { SessionsAdminPageModule } from 'nest-sessions/admin';
import { SessionService, type SessionsModuleOptions } from 'nest-sessions';
import { createHash } from 'node:crypto';
import {
  ADAPTERS,
  startApp,
  type AdapterName,
  type AppParts,
  type RunningApp,
} from '../../support/http-app.js';
import { eventually } from '../../support/eventually.js';
import { requestVerbatim, type VerbatimResponse } from '../../support/verbatim-request.js';
import { AdminClient, KEY_ID, TOKEN } from '../admin-client.js';
import { PageClient, READ_TOKEN } from './page-client.js';

const HOUR_MS = 3_600_000;
const OTHER_TOKEN = 'another-operator-token-of-32-characters-or-more';
const SOMEBODY = { ipAddress: '192.0.2.1', userAgent: 'test' };
const MUTATING = { method: 'POST' } as const;

interface Refusal {
  readonly statusCode: number;
  readonly code?: string;
  readonly message: string;
}

const refusalOf = ({ status, text }: VerbatimResponse): Refusal => {
  const refusal = JSON.parse(text) as Refusal;
  expect(refusal.statusCode).toBe(status);
  return refusal;
};

describe.each(ADAPTERS)('Signing in to the admin page on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let clock: ManualClock;
  let page: PageClient;

  const urlOf = (app: RunningApp): string => `${app.url}/admin/sessions`;
  const start = (options: SessionsModuleOptions = {}, parts: Partial<AppParts> = {}): Promise<RunningApp> =>
    startApp(adapter, {
      imports: [SessionsAdminPageModule],
      ...parts,
      options: {
        adminTokens: [TOKEN],
        adminReadTokens: [READ_TOKEN],
        adapters: { clock },
        store: 'memory',
        ...options,
      },
    });
  const openSession = async (): Promise<string> => {
    const opening = await running.app.get(SessionService).open(SOMEBODY);
    if (opening.kind !== 'opened') throw new Error(opening.kind);
    return opening.session.id;
  };
  /** The page's request to end a session. */
  const end = async (id: string, headers: Record<string, string> = {}): Promise<VerbatimResponse> =>
    page.request(`${id}/cleanup`, {
      ...MUTATING,
      headers: { 'x-csrf-token': (await page.me()).csrf, ...headers },
    });

  beforeEach(async () => {
    clock = new ManualClock();
    running = await start();
    page = new PageClient(urlOf(running));
  });
  afterEach(() => running.close());

  describe('the form', () => {
    it('sets a cookie that no script reads, no other site sends and no other path gets', async () => {
      const { status, text, headers } = await page.signIn();
      expect([status, text]).toEqual([204, '']);
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      const [line, ...others] = headers['set-cookie']!;
      expect(others).toEqual([]);
      const [pair, ...attributes] = line!.split('; ');
      expect(pair).toMatch(/^nest-sessions-admin=v1\./);
      expect(pair).not.toContain(TOKEN);
      expect(attributes).toEqual(['Max-Age=28800', 'HttpOnly', 'SameSite=Strict']);
      expect((await page.jar.getCookies(`${running.url}/admin/sessions/users/ada`)).length).toBe(1);
      expect(await page.jar.getCookies(`${running.url}/`)).toEqual([]);
    });

    it('is read where the application has no parser of bodies', async () => {
      await running.close();
      running = await start({}, { bodyParser: false });
      page = new PageClient(urlOf(running));
      expect((await page.signIn()).status).toBe(204);
      expect(await page.me()).toMatchObject({ access: 'full' });
    });

    it('of a secure connection: for secure connections alone', async () => {
      await running.close();
      running = await start({}, { trustProxy: 'loopback' });
      page = new PageClient(urlOf(running), { 'x-forwarded-proto': 'https' });
      const [line] = (await page.signIn()).headers['set-cookie']!;
      expect(line).toMatch(/^__Secure-nest-sessions-admin=.*; HttpOnly; Secure; SameSite=Strict$/);
      expect(await page.me()).toMatchObject({ access: 'full' });
      const plain = new PageClient(urlOf(running));
      const cookie = await page.cookie();
      expect((await plain.request('ui/me', { headers: { cookie } })).status).toBe(401);
    });

    it('tells who is signed in, and until when', async () => {
      expect((await page.request('ui/me')).status).toBe(401);
      await page.signIn();
      const expiresAt = new Date(clock.now() + 8 * HOUR_MS).toISOString();
      expect(await page.me()).toEqual({
        access: 'full',
        key_id: KEY_ID,
        csrf: expect.stringMatching(/^[\w-]{43}$/),
        expires_at: expiresAt,
      });
      await page.signIn(READ_TOKEN);
      const keyId = createHash('sha256').update(READ_TOKEN).digest('hex').slice(0, 8);
      expect(await page.me()).toMatchObject({ access: 'read', key_id: keyId });
    });

    it('opens no session, and visits that are not signed in are no failures', async () => {
      for (let count = 0; count < 30; count += 1) expect((await page.request('ui/me')).status).toBe(401);
      const { headers } = await page.signIn();
      expect(headers['set-cookie']).toHaveLength(1);
      await page.request('ui');
      const metrics = await new AdminClient(running.url).read<{ sessions: { total_created: number } }>(
        '/admin/sessions/metrics',
      );
      expect(metrics.sessions.total_created).toBe(0);
    });

    it.each([
      ['no body', ''],
      ['no JSON', 'token=x'],
      ['no object', '"text"'],
      ['no token', '{}'],
      ['a token that is no text', '{"token":["x"]}'],
      ['an empty token', '{"token":""}'],
      ['a token too long for one', JSON.stringify({ token: 'x'.repeat(257) })],
    ])('with %s: 400, and no failure', async (_, body) => {
      for (let count = 0; count < 11; count += 1) {
        const answer = await page.signIn('', { body });
        expect(answer.status).toBe(400);
        expect(answer.headers['set-cookie']).toBeUndefined();
      }
      expect((await page.signIn(`${TOKEN}x`)).status).toBe(401);
    });

    it('with a wrong token: 401, counted together with the header, then 429; a right one is let in', async () => {
      const stranger = new AdminClient(running.url, OTHER_TOKEN);
      for (let count = 0; count < 5; count += 1) {
        const refused = await page.signIn(OTHER_TOKEN);
        expect(refusalOf(refused)).toEqual({ statusCode: 401, message: 'Unauthorized' });
        expect(refused.headers['set-cookie']).toBeUndefined();
        expect((await stranger.request('/admin/sessions')).status).toBe(401);
      }
      const locked = await page.signIn(OTHER_TOKEN);
      expect(locked.status).toBe(429);
      expect(Number(locked.headers['retry-after'])).toBeGreaterThan(0);
      expect((await stranger.request('/admin/sessions')).status).toBe(429);
      expect((await page.signIn(OTHER_TOKEN, { from: '127.0.0.9' })).status).toBe(401);
      expect((await page.signIn()).status).toBe(204);
      const audit = () =>
        new AdminClient(running.url).read<{ wrong_tokens: object[] }>('/admin/sessions/audit');
      // Counted beside the answers.
      await eventually('the audit has the wrong tokens', async () => {
        const { wrong_tokens: wrong } = await audit();
        return wrong.length === 2 && JSON.stringify(wrong).includes('"count":12');
      });
    });

    it.each(['cross-site', 'same-site', 'none', undefined])(
      'of a page that is not the own one (%s): 403',
      async (site) => {
        const headers: Record<string, string> = site === undefined ? {} : { 'sec-fetch-site': site };
        const body = JSON.stringify({ token: TOKEN });
        const form = { headers: { ...headers, 'content-type': 'application/json' }, body };
        for (const init of [
          { method: 'POST', ...form },
          { method: 'DELETE', headers },
        ]) {
          const answer = await requestVerbatim(running.url, '/admin/sessions/ui', init);
          expect(refusalOf(answer)).toMatchObject({ statusCode: 403, code: 'CROSS_SITE_REFUSED' });
          expect(answer.headers['set-cookie']).toBeUndefined();
        }
      },
    );
  });

  describe('the cookie', () => {
    beforeEach(() => page.signIn());

    it('reads what the header reads', async () => {
      const id = await openSession();
      for (const path of [
        '',
        id,
        `${id}/timeline`,
        'metrics',
        'users',
        'users/ada',
        'trends',
        'audit',
        'ui/overview',
      ]) {
        const answer = await page.request(path);
        expect([path, answer.status]).toEqual([path, 200]);
        expect(answer.headers['cache-control']).toContain('no-store');
      }
    });

    it('ends a session, and the audit names the key', async () => {
      const id = await openSession();
      expect(await end(id)).toMatchObject({ status: 200 });
      const { entries } = await new AdminClient(running.url).read<{ entries: object[] }>(
        '/admin/sessions/audit',
      );
      expect(entries).toEqual([
        expect.objectContaining({ by: { kind: 'admin', key_id: KEY_ID }, subject: id }),
      ]);
    });

    it.each([
      ['no CSRF token', { 'x-csrf-token': '' }],
      ['another CSRF token', { 'x-csrf-token': 'A'.repeat(43) }],
      ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
      ['a page of a sibling', { 'sec-fetch-site': 'same-site' }],
      ['no page', { 'sec-fetch-site': 'none' }],
      ['a browser that does not say', { 'sec-fetch-site': '' }],
    ])('changes nothing for %s: 403', async (_, headers) => {
      const id = await openSession();
      expect(refusalOf(await end(id, headers))).toMatchObject({
        statusCode: 403,
        code: 'CROSS_SITE_REFUSED',
      });
      expect((await page.request(id)).status).toBe(200);
      expect(JSON.parse((await page.request(id)).text)).not.toHaveProperty('ended_at');
    });

    it('has a CSRF token of its own: that of another sign-in does not count', async () => {
      const id = await openSession();
      const other = new PageClient(urlOf(running));
      await other.signIn();
      const { csrf } = await other.me();
      expect(csrf).not.toBe((await page.me()).csrf);
      expect((await end(id, { 'x-csrf-token': csrf })).status).toBe(403);
    });

    it.each(['cross-site', 'same-site'])('is not read for pages of others (%s): 403', async (site) => {
      for (const path of ['', 'metrics', 'ui/me', 'ui/overview', 'ui/events']) {
        const answer = await page.request(path, { headers: { 'sec-fetch-site': site } });
        expect([path, refusalOf(answer).code]).toEqual([path, 'CROSS_SITE_REFUSED']);
      }
    });

    it('gives way to the header', async () => {
      expect((await page.request('', { headers: { 'x-admin-token': OTHER_TOKEN } })).status).toBe(401);
      const id = await openSession();
      const direct = { ...MUTATING, headers: { 'x-admin-token': TOKEN, 'sec-fetch-site': '' } };
      expect((await page.request(`${id}/cleanup`, direct)).status).toBe(200);
    });

    it('of a read token looks, and changes nothing', async () => {
      const id = await openSession();
      await page.signIn(READ_TOKEN);
      expect((await page.request(id)).status).toBe(200);
      expect(refusalOf(await end(id))).toMatchObject({ statusCode: 403, code: 'ADMIN_READ_ONLY' });
      expect((await page.request(id)).status).toBe(200);
    });

    it('ends after eight hours', async () => {
      clock.advance(8 * HOUR_MS - 1);
      expect((await page.request('')).status).toBe(200);
      clock.advance(1);
      for (const path of ['', 'ui/me', 'ui/overview', 'ui/events'])
        expect([path, (await page.request(path)).status]).toEqual([path, 401]);
    });

    it('is gone after the sign-out', async () => {
      const { status, headers } = await page.signOut();
      expect(status).toBe(204);
      expect(headers['set-cookie']).toEqual(['nest-sessions-admin=; Max-Age=0; HttpOnly; SameSite=Strict']);
      expect(await page.cookie()).toBe('');
      expect((await page.request('ui/me')).status).toBe(401);
    });

    it('counts in every server of the same tokens, and none keeps anything of it', async () => {
      const second = await start();
      const cookie = await page.cookie();
      const other = new PageClient(urlOf(second));
      expect((await other.request('metrics', { headers: { cookie } })).status).toBe(200);
      await second.close();
    });

    it.each([
      ['the token was rotated', { adminTokens: [OTHER_TOKEN] }],
      ['the token may only look from now on', { adminTokens: [OTHER_TOKEN], adminReadTokens: [TOKEN] }],
    ])('stolen, is of no use after %s: 401', async (_, options) => {
      const cookie = await page.cookie();
      const after = await start(options);
      const thief = new PageClient(urlOf(after));
      for (const path of ['', 'ui/me', 'ui/overview', 'ui/events']) {
        const answer = await thief.request(path, { headers: { cookie } });
        expect([path, refusalOf(answer).statusCode]).toEqual([path, 401]);
      }
      await after.close();
    });

    it('of a token that is rotated in counts beside the old one', async () => {
      const cookie = await page.cookie();
      const after = await start({ adminTokens: [OTHER_TOKEN, TOKEN] });
      expect((await new PageClient(urlOf(after)).request('', { headers: { cookie } })).status).toBe(200);
      await after.close();
    });

    it('counts unchanged alone: 401 for each letter that differs, which is no failure of a token', async () => {
      const [name, value = ''] = (await page.cookie()).split('=');
      const changed = (at: number): string =>
        `${value.slice(0, at)}${value[at] === '1' ? '2' : '1'}${value.slice(at + 1)}`;
      const forged = [
        ...Array.from(value, (_, at) => changed(at)),
        value.slice(0, -1),
        `${value}A`,
        value.toUpperCase(),
        value.replace('full', 'read'),
        '',
        'v1',
        'x'.repeat(4000),
      ];
      const cookie = (text: string) => ({ headers: { cookie: `${name}=${text}` } });
      for (const text of forged) {
        const { status } = await new PageClient(urlOf(running)).request('metrics', cookie(text));
        expect([text, status]).toEqual([text, 401]);
      }
      expect((await new AdminClient(running.url, OTHER_TOKEN).request('/admin/sessions')).status).toBe(401);
      expect((await new PageClient(urlOf(running)).request('metrics', cookie(value))).status).toBe(200);
    });

    it('counts beside an old one of the same name, as browsers send them', async () => {
      const cookie = await page.cookie();
      const headers = { cookie: `nest-sessions-admin=old; ${cookie}; other=1` };
      expect((await new PageClient(urlOf(running)).request('metrics', { headers })).status).toBe(200);
    });
  });
});
