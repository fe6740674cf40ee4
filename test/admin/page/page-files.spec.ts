import { VersioningType, type INestApplication } from '@nestjs/common';
import { SessionsAdminModule, SessionsAdminPageModule } from 'nest-sessions/admin';
import { Proxy, replaced } from '../../support/proxies.js';
import {
  ADAPTERS,
  startApp,
  type AdapterName,
  type AppParts,
  type RunningApp,
} from '../../support/http-app.js';
import { requestVerbatim } from '../../support/verbatim-request.js';
import { AdminClient, TOKEN } from '../admin-client.js';
import { PageClient } from './page-client.js';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const PAGE_HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

function start(adapter: AdapterName, parts: Partial<AppParts> = {}): Promise<RunningApp> {
  return startApp(adapter, {
    imports: [SessionsAdminPageModule],
    ...parts,
    options: { adminTokens: [TOKEN], ...parts.options },
  });
}

/** The URLs that the page loads, as a browser at `url` resolves them. */
function loadedBy(html: string, url: string): URL[] {
  return [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, to]) => new URL(to!, url));
}

/** What a browser gets for the page at `url`, and for each file that it loads. */
async function visit(url: string): Promise<{ html: string; files: URL[] }> {
  const { origin, pathname } = new URL(url);
  const { status, text: html } = await requestVerbatim(origin, pathname);
  expect(status).toBe(200);
  const files = loadedBy(html, url);
  expect(files.length).toBeGreaterThanOrEqual(3);
  for (const file of files) {
    const answer = await requestVerbatim(file.origin, file.pathname);
    expect([file.href, answer.status]).toEqual([file.href, 200]);
  }
  return { html, files };
}

describe.each(ADAPTERS)('The files of the admin page on %s', (adapter) => {
  describe('in an app that imports the page', () => {
    let running: RunningApp;
    beforeAll(async () => (running = await start(adapter)));
    afterAll(() => running.close());

    const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      requestVerbatim(running.url, `/admin/sessions/${path}`, { headers, method });

    it('the page: no cache, nothing inline, nothing from elsewhere, and no session', async () => {
      const { status, headers, text } = await get('ui');
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        ...PAGE_HEADERS,
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
      });
      expect(headers['set-cookie']).toBeUndefined();
      expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|https?:/);
    });

    it('what it loads: kept for ever, since the name tells the content', async () => {
      const { files } = await visit(`${running.url}/admin/sessions/ui`);
      const types = new Set<string | undefined>();
      for (const { pathname } of files) {
        expect(pathname).toMatch(/^\/admin\/sessions\/ui\/assets\/\w+-[A-Z0-9]{8}\.(js|css|svg)$/);
        const { headers } = await requestVerbatim(running.url, pathname);
        expect(headers).toMatchObject({
          ...PAGE_HEADERS,
          'cache-control': 'public, max-age=31536000, immutable',
          vary: 'Accept-Encoding',
        });
        types.add(headers['content-type']);
      }
      expect(types).toEqual(
        new Set(['image/svg+xml', 'text/css; charset=utf-8', 'text/javascript; charset=utf-8']),
      );
    });

    it('gzipped for who takes that', async () => {
      const plain = await get('ui', { 'accept-encoding': 'gzip;q=0, br' });
      expect(plain.headers['content-encoding']).toBeUndefined();
      const response = await fetch(`${running.url}/admin/sessions/ui`, {
        headers: { 'accept-encoding': 'br, gzip' },
      });
      expect(response.headers.get('content-encoding')).toBe('gzip');
      expect(await response.text()).toBe(plain.text);
      const { files } = await visit(`${running.url}/admin/sessions/ui`);
      const script = files.find(({ pathname }) => pathname.endsWith('.js'))!;
      const raw = await requestVerbatim(script.origin, script.pathname, {
        headers: { 'accept-encoding': 'gzip' },
      });
      expect(Number(raw.headers['content-length'])).toBeLessThan(
        Number((await requestVerbatim(script.origin, script.pathname)).headers['content-length']) / 2,
      );
    });

    it('HEAD: as GET, without the content', async () => {
      const { files } = await visit(`${running.url}/admin/sessions/ui`);
      for (const path of ['/admin/sessions/ui', ...files.map(({ pathname }) => pathname)]) {
        const [got, head] = await Promise.all(
          ['GET', 'HEAD'].map((method) => requestVerbatim(running.url, path, { method })),
        );
        const { date: _, ...headers } = got!.headers;
        expect(head).toMatchObject({ status: 200, text: '', headers });
        expect(Number(head!.headers['content-length'])).toBe(Buffer.byteLength(got!.text));
      }
    });

    it.each([
      'ui/assets/none.js',
      'ui/assets/index.html',
      'ui/assets/',
      'ui/assets',
      'ui/assets/..%2fpage.guard.js',
      'ui/assets/%2e%2e%2fLICENSES.txt',
      'ui/assets/../../page.guard.js',
      'ui/assets/__proto__',
      'ui/assets/%00',
      'ui/other',
      'ui/timeline',
      'ui/a/b/c',
    ])('no file: %s is a 404', async (path) => {
      const { status, text } = await get(path, { 'x-admin-token': TOKEN });
      expect(status).toBe(404);
      expect(text).not.toContain('import');
    });

    it('the other admin routes are there too', async () => {
      expect((await get('metrics')).status).toBe(401);
      expect((await new AdminClient(running.url).request('/admin/sessions')).status).toBe(200);
    });
  });

  it.each([
    ['a global prefix', '/api/v2', (app: INestApplication) => app.setGlobalPrefix('api/v2')],
    [
      'versions in the URL',
      '',
      (app: INestApplication) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
    ],
    [
      'versions in a header',
      '',
      (app: INestApplication) =>
        app.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version', defaultVersion: '1' }),
    ],
  ])('with %s: page, sign-in and list', async (_, prefix, configure) => {
    const running = await start(adapter, { configure });
    const url = `${running.url}${prefix}/admin/sessions`;
    await visit(`${url}/ui`);
    const page = new PageClient(url);
    expect((await page.signIn()).status).toBe(204);
    expect(await page.me()).toMatchObject({ access: 'full' });
    expect((await page.request('?limit=1')).status).toBe(200);
    await running.close();
  });

  it('the page has one address: with a slash at the end it redirects, where the app takes that at all', async () => {
    const running = await start(adapter, { ignoreTrailingSlash: true });
    const url = `${running.url}/admin/sessions/ui`;
    const { status, headers } = await requestVerbatim(running.url, '/admin/sessions/ui/?a=b');
    expect(status).toBe(308);
    expect(new URL(headers.location!, `${url}/`).href).toBe(url);
    await running.close();
  });

  it.each([
    ['before the endpoints', [SessionsAdminPageModule, SessionsAdminModule]],
    ['after the endpoints', [SessionsAdminModule, SessionsAdminPageModule]],
  ])('imported %s, the page is no session', async (_, imports) => {
    const running = await start(adapter, { imports });
    const { html } = await visit(`${running.url}/admin/sessions/ui`);
    expect(html).toMatch(/^<!doctype html>/);
    await running.close();
  });

  it('behind a proxy that cuts off a path: page, sign-in and list', async () => {
    const running = await start(adapter, { trustProxy: 'loopback' });
    const proxy = await Proxy.start('nginx', {
      upstream: running.url,
      change: (text) =>
        replaced(
          replaced(text, 'location / {', 'location /ops/ {'),
          'proxy_pass http://app;',
          'proxy_pass http://app/;',
        ),
    });
    const url = `${proxy.url}/ops/admin/sessions`;
    await visit(`${url}/ui`);
    const page = new PageClient(url);
    expect((await page.signIn()).status).toBe(204);
    expect(await page.me()).toMatchObject({ access: 'full' });
    expect((await page.request('?limit=1')).status).toBe(200);
    expect(await page.jar.getCookieString(`${proxy.url}/ops/admin/sessions/users`)).not.toBe('');
    for (const elsewhere of ['/ops/admin/sessionsx', '/ops/admin', '/admin/sessions', '/'])
      expect(await page.jar.getCookieString(proxy.url + elsewhere)).toBe('');
    await proxy.stop();
    await running.close();
  }, 30_000);

  it.each([
    ['without the page', { imports: [SessionsAdminModule] }],
    ['without a token', { options: { adminTokens: [] } }],
  ])('%s: 404, as routes that do not exist', async (_, parts) => {
    const running = await start(adapter, parts);
    for (const [method, path] of [
      ['GET', 'ui'],
      ['GET', 'ui/me'],
      ['GET', 'ui/overview'],
      ['GET', 'ui/events'],
      ['GET', 'ui/assets/app.js'],
      ['POST', 'ui'],
      ['DELETE', 'ui'],
    ] as const) {
      const headers = { 'x-admin-token': TOKEN, 'sec-fetch-site': 'same-origin' };
      const answer = await requestVerbatim(running.url, `/admin/sessions/${path}`, { method, headers });
      const unknown = await requestVerbatim(running.url, '/no/such/route', { method, headers });
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.text).toBe(unknown.text.replace('/no/such/route', `/admin/sessions/${path}`));
      expect(Object.keys(answer.headers)).toEqual(Object.keys(unknown.headers));
    }
    await running.close();
  });
});
