import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Browser } from '../support/browser.js';
import { startMovedApp, type MovedApp } from './moved-app.js';
import { OldController, oldSessions, startOldApp } from './old-app.js';

interface Picture {
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly caption?: string;
}

const MINUTE = 60_000;
const ADA = { username: 'ada', password: 'analytical' };

const APPS: [name: string, start: () => Promise<MovedApp>][] = [
  ['express-session and multer', startOldApp],
  ['nest-sessions on Express', () => startMovedApp('express')],
  ['nest-sessions on Fastify', () => startMovedApp('fastify')],
];

describe('An app that is being moved', () => {
  it('has sessions of both kinds side by side, each by its cookie', async () => {
    const app = await startMovedApp('express', (nest) => nest.use(oldSessions()), [OldController]);
    const browser = new Browser(app.url);
    const counts: unknown[] = [];
    for (const path of ['/old', '/profile', '/old', '/profile']) {
      counts.push(await (await browser.fetch(path, { method: path === '/old' ? 'POST' : 'GET' })).json());
    }
    expect(counts).toEqual([{ count: 1 }, { message: null }, { count: 2 }, { message: null }]);
    expect(browser.cookieHeader).toMatch(/connect\.sid=.*; sid=|sid=.*; connect\.sid=/);
    await app.close();
  });
});

describe.each(APPS)('An app with %s', (_name, start) => {
  let app: MovedApp;
  let browser: Browser;
  beforeEach(async () => {
    app = await start();
    browser = new Browser(app.url);
  });
  afterEach(() => app.close());

  const post = (path: string, body: object = {}, by = browser): Promise<Response> =>
    by.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
    });
  const get = async (path: string, by = browser): Promise<unknown> => (await by.fetch(path)).json();
  const me = async (by = browser): Promise<unknown> => {
    const response = await by.fetch('/me');
    return response.ok ? response.json() : response.status;
  };
  const picture = (bytes: number | string, name = 'a.png', type = 'image/png'): File =>
    new File([typeof bytes === 'string' ? bytes : 'x'.repeat(bytes)], name, { type });
  const send = (path: string, field: string, ...files: File[]): Promise<Response> => {
    const form = new FormData();
    form.append('caption', 'at sea');
    for (const file of files) form.append(field, file);
    return browser.fetch(path, { method: 'POST', body: form });
  };
  const upload = async (file: File): Promise<Picture> =>
    (await send('/pictures', 'picture', file)).json() as Promise<Picture>;

  describe('and its sessions', () => {
    it('sets a cookie that scripts do not read, and other sites do not post with', async () => {
      const response = await post('/cart', { item: 'tea' });
      const [line = '', ...others] = response.headers.getSetCookie();
      expect(others).toEqual([]);
      expect(line).toMatch(/; Path=\//);
      expect(line).toMatch(/; HttpOnly/);
      expect(line).toMatch(/; SameSite=Lax/);
    });

    it('keeps a value for a browser, and for no other', async () => {
      expect(await get('/cart')).toEqual({ items: [] });
      await post('/cart', { item: 'tea' });
      expect(await (await post('/cart', { item: 'milk' })).json()).toEqual({ items: ['tea', 'milk'] });
      expect(await get('/cart')).toEqual({ items: ['tea', 'milk'] });
      expect(await get('/cart', new Browser(app.url))).toEqual({ items: [] });
    });

    it('shows a message once', async () => {
      const { status, headers } = await post('/profile');
      expect([status, headers.get('location')]).toEqual([303, '/profile']);
      expect(await get('/profile')).toEqual({ message: 'Your profile was saved.' });
      expect(await get('/profile')).toEqual({ message: null });
    });

    it('goes on as long as it is used, and not beyond the idle time', async () => {
      await post('/cart', { item: 'tea' });
      for (let visits = 0; visits < 9; visits += 1) {
        app.pass(14 * MINUTE);
        expect(await get('/cart')).toEqual({ items: ['tea'] });
      }
      app.pass(16 * MINUTE);
      expect(await get('/cart')).toEqual({ items: [] });
    });
  });

  describe('and its login', () => {
    it('knows the user, keeps the values, and makes the cookie of before worthless', async () => {
      expect(await me()).toBe(401);
      await post('/cart', { item: 'tea' });
      const planter = new Browser(app.url);
      const planted = browser.cookieHeader;
      expect((await post('/login', ADA)).status).toBe(204);
      expect(browser.cookieHeader).not.toBe(planted);
      expect([await me(), await get('/cart')]).toEqual([{ id: '1', name: 'ada' }, { items: ['tea'] }]);
      const response = await planter.fetch('/me', { headers: { cookie: planted } });
      expect(response.status).toBe(401);
    });

    it.each([{ ...ADA, password: 'x' }, { username: 'ada' }, {}])('refuses %j', async (body) => {
      expect((await post('/login', body)).status).toBe(401);
      expect(await me()).toBe(401);
    });

    it('ends with everything at the logout', async () => {
      await post('/cart', { item: 'tea' });
      await post('/login', ADA);
      const stolen = browser.cookieHeader;
      expect((await post('/logout')).status).toBe(204);
      expect([await me(), await get('/cart')]).toEqual([401, { items: [] }]);
      const response = await new Browser(app.url).fetch('/me', { headers: { cookie: stolen } });
      expect(response.status).toBe(401);
    });
  });

  describe('and its files', () => {
    it('takes a file with a text field, lists it, and sends it back as it was', async () => {
      const { id, ...rest } = await upload(picture('pixels'));
      expect(rest).toEqual({ name: 'a.png', bytes: 6, caption: 'at sea' });
      expect(await get('/pictures')).toEqual([{ id, name: 'a.png', bytes: 6 }]);
      const response = await browser.fetch(`/pictures/${id}`);
      expect(await response.text()).toBe('pixels');
      expect(response.headers.get('content-type')).toBe('image/png');
      expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="?a\.png"?$/);
    });

    it('takes several at once', async () => {
      const files = [picture(10, 'a.png'), picture(20, 'b.png'), picture(30, 'c.png')];
      const response = await send('/albums', 'pictures', ...files);
      expect(await response.json()).toMatchObject([{ bytes: 10 }, { bytes: 20 }, { bytes: 30 }]);
      const names = ((await get('/pictures')) as Picture[]).map(({ name }) => name);
      expect(names.toSorted()).toEqual(['a.png', 'b.png', 'c.png']);
    });

    it.each<[what: string, status: number, path: string, files: () => File[]]>([
      ['one that is too large', 413, '/pictures', () => [picture(100_001)]],
      ['one of another type', 415, '/pictures', () => [picture(10, 'a.html', 'text/html')]],
      ['none', 400, '/pictures', () => []],
      ['more than it takes', 400, '/albums', () => [picture(1), picture(2), picture(3), picture(4)]],
    ])('refuses %s, and keeps nothing', async (_what, status, path, files) => {
      const response = await send(path, path === '/albums' ? 'pictures' : 'picture', ...files());
      expect(response.status).toBe(status);
      expect(await get('/pictures')).toEqual([]);
    });

    it('finds them for the browser that sent them, until they are removed', async () => {
      const { id } = await upload(picture('pixels'));
      const other = new Browser(app.url);
      expect((await other.fetch(`/pictures/${id}`)).status).toBe(404);
      expect((await other.fetch(`/pictures/${id}`, { method: 'DELETE' })).status).toBe(404);
      expect((await browser.fetch(`/pictures/${id}`, { method: 'DELETE' })).status).toBe(204);
      expect((await browser.fetch(`/pictures/${id}`)).status).toBe(404);
      expect(await get('/pictures')).toEqual([]);
    });

    it('keeps them through a login, and a logout takes them away', async () => {
      const { id } = await upload(picture('pixels'));
      await post('/login', ADA);
      expect(await (await browser.fetch(`/pictures/${id}`)).text()).toBe('pixels');
      await post('/logout');
      expect((await browser.fetch(`/pictures/${id}`)).status).toBe(404);
    });

    it('puts what users keep into a folder of its own, for longer than the session', async () => {
      const response = await send('/avatar', 'avatar', picture('a face'));
      expect([response.status, await response.json()]).toEqual([201, { bytes: 6 }]);
      await post('/logout');
      const names = await readdir(app.avatars);
      expect(names).toHaveLength(1);
      expect(await readFile(join(app.avatars, names[0]!), 'utf8')).toBe('a face');
    });
  });
});
