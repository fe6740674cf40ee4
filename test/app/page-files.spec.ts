import { AppProcess } from '../support/app-process.js';
import { ADAPTERS } from '../support/http-app.js';
import type { AdminListAnswer } from './session-answer.js';

describe.each(ADAPTERS)('The files of the page, on %s,', (adapter) => {
  let app: AppProcess;

  beforeAll(async () => {
    app = await AppProcess.start(adapter);
  });
  afterAll(() => app.destroy());

  it.each([
    ['/', 'text/html; charset=utf-8'],
    ['/page/page.css', 'text/css; charset=utf-8'],
    ['/page/page.js', 'text/javascript; charset=utf-8'],
  ])('%s is %s, and is asked for again each time by its tag', async (path, type) => {
    const response = await fetch(app.url + path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const text = await response.text();
    expect(text.length).toBeGreaterThan(1000);
    const etag = response.headers.get('etag')!;
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await fetch(app.url + path, { headers: { 'if-none-match': tag } });
      expect([again.status, await again.text()]).toEqual([304, '']);
    }
    const changed = await fetch(app.url + path, { headers: { 'if-none-match': '"other"' } });
    expect([changed.status, await changed.text()]).toEqual([200, text]);
  });

  it('come with a policy that allows nothing inline and nothing from elsewhere', async () => {
    const response = await fetch(app.url);
    expect(response.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; " +
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    );
    const html = await response.text();
    expect(html).not.toMatch(/\son\w+=|\sstyle=|<style|<script(?! type="module" src="page\/page\.js"><)/);
  });

  it('that the page names are there, and no others', async () => {
    const html = await (await fetch(app.url)).text();
    const named = [...html.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(named.length).toBe(2);
    const imports = new Set(named);
    for (const path of imports) {
      const response = await fetch(`${app.url}/${path}`);
      expect([path, response.status]).toEqual([path, 200]);
      for (const [, name] of (await response.text()).matchAll(/from '\.\/([^']+)'/g))
        imports.add(`page/${name}`);
    }
    expect(imports.size).toBeGreaterThan(named.length);
    for (const path of ['/page/', '/page/page.ts', '/page/..%2fpage.controller.js', '/page/__proto__']) {
      expect([path, (await fetch(app.url + path)).status]).toEqual([path, 404]);
    }
  });

  it('begin no session', async () => {
    for (const path of ['/', '/page/page.js', '/speech/languages']) {
      expect((await fetch(app.url + path)).headers.getSetCookie()).toEqual([]);
    }
    const { stats } = await app.admin<AdminListAnswer>('');
    expect(stats['total_sessions_created']).toBe(0);
  });
});
