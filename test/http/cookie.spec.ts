import { createHash } from 'node:crypto';
import { ADAPTERS } from '../support/http-app.js';
import { cookieOf, idIn, ourCookies, startSessionApp, type SessionApp } from './session-app.js';

describe.each(ADAPTERS)('The session cookie on %s', (adapter) => {
  let app: SessionApp;
  beforeAll(async () => {
    app = await startSessionApp(
      adapter,
      { openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0 },
      { trustProxy: 'loopback' },
    );
  });
  afterAll(() => app.close());

  it('is set by the first request alone, with exactly the attributes it needs', async () => {
    const first = await app.request('/session');
    expect(ourCookies(first)).toEqual([
      expect.stringMatching(/^sid=[A-Za-z0-9_-]{45}; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    const second = await app.request('/session', { headers: { cookie: cookieOf(first) } });
    expect(idIn(second)).toBe(idIn(first));
    expect(second.headers['set-cookie']).toBeUndefined();
    expect(second.headers['cache-control']).toBeUndefined();
  });

  it('is bound to the host if the trusted proxy reports a secure connection', async () => {
    const secure = { 'x-forwarded-proto': 'https' };
    const first = await app.request('/session', { headers: secure });
    expect(ourCookies(first)).toEqual([
      expect.stringMatching(/^__Host-sid=[\w-]{45}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
    const again = await app.request('/session', { headers: { ...secure, cookie: cookieOf(first) } });
    expect(idIn(again)).toBe(idIn(first));
  });

  it('counts only under the name that fits the security of the connection', async () => {
    const { id, cookie } = await app.visitor();
    const headers = { 'user-agent': 'test', 'x-forwarded-proto': 'https' };
    const onSecure = await app.request('/session', { headers: { ...headers, cookie } });
    const renamed = await app.request('/session', {
      headers: { 'user-agent': 'test', cookie: `__Host-${cookie}` },
    });
    expect([idIn(onSecure), idIn(renamed)]).not.toContain(id);
  });

  it('keeps the response that sets it out of every cache, and the cookies of the application in it', async () => {
    const response = await app.request('/cached');
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.headers.vary).toBe('Accept, Cookie');
    expect(response.headers['set-cookie']).toEqual([
      expect.stringMatching(/^sid=/),
      expect.stringMatching(/^app=1/),
      expect.stringMatching(/^theme=dark/),
    ]);
    const later = await app.request('/cached', { headers: { cookie: cookieOf(response) } });
    expect(later.headers['cache-control']).toBe('public, max-age=60');
    expect(later.headers.vary).toBe('Accept');
  });

  it('is set once if one request opens a session and replaces its token', async () => {
    const response = await app.request('/regenerate', { method: 'POST' });
    const again = await app.request('/session', { headers: { cookie: cookieOf(response) } });
    expect(idIn(again)).toBe(idIn(response));
  });

  describe('is ignored and replaced by a new session without an error', () => {
    const nasty: [string, (token: string, id: string) => string][] = [
      ['when it is empty', () => 'sid='],
      ['when it was never issued', () => `sid=${'A'.repeat(45)}`],
      ['in another case', (token) => `SID=${token}`],
      ['after U+00A0', (token) => `\u00a0sid=${token}`],
      ['after U+2000, in UTF-8', (token) => `\u00e2\u0080\u0080sid=${token}`],
      ['after U+0085', (token) => `\u0085sid=${token}`],
      ['after a byte order mark', (token) => `\u00ef\u00bb\u00bfsid=${token}`],
      ['as an attribute of $Version', (token) => `$Version=1,sid=${token}`],
      ['in quotes', (token) => `sid="${token}"`],
      ['percent-encoded', (token) => `sid=%${token.charCodeAt(0).toString(16)}${token.slice(1)}`],
      ['one character short', (token) => `sid=${token.slice(1)}`],
      ['one character long', (token) => `sid=${token}A`],
      [
        'with a changed last character',
        (token) => `sid=${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`,
      ],
      ['as its own hash', (token) => `sid=${createHash('sha256').update(token).digest('base64url')}`],
      ['as a padded hash', (token) => `sid=AA${createHash('sha256').update(token).digest('base64url')}`],
      ['as the public id', (_, id) => `sid=${id}`],
      ['as a JSON cookie', (token) => `sid=j:{"sid":"${token}"}`],
      ['signed', (token) => `sid=s:${token}.AAAA`],
      ['with bytes that are no text', () => 'sid=\u00ff\u00fe\u0080'],
      ['15 KiB long', () => `sid=${'A'.repeat(15 * 1024)}`],
      ['without a value', () => 'sid'],
    ];

    it.each(nasty)('%s', async (_, craft) => {
      const { id, cookie } = await app.visitor();
      const response = await app.request('/session', {
        headers: { 'user-agent': 'test', cookie: craft(cookie.slice('sid='.length), id) },
      });
      expect(response.status).toBe(200);
      expect(idIn(response)).not.toBe(id);
      expect(ourCookies(response)).toHaveLength(1);
    });
  });

  it.each<[string, (token: string) => string]>([
    ['twice', (token) => `sid=${token}; sid=${token}`],
    ['fifty times', (token) => Array(50).fill(`sid=${token}`).join('; ')],
    ['before another of its name', (token) => `sid=${token}; a=b; sid=${'A'.repeat(45)}`],
    ['after another of its name', (token) => `sid=old; a=b; sid=${token}`],
    ['after an empty one', (token) => `sid=; sid=${token}`],
  ])('counts when it is presented %s', async (_, craft) => {
    const { id, cookie } = await app.visitor();
    const response = await app.request('/session', {
      headers: { 'user-agent': 'test', cookie: craft(cookie.slice('sid='.length)) },
    });
    expect([response.status, ourCookies(response)]).toEqual([200, []]);
    expect(idIn(response)).toBe(id);
  });

  it('is found among a thousand others, and after spaces and tabs', async () => {
    const { id, cookie } = await app.visitor();
    const others = Array.from({ length: 1000 }, (_, index) => `c${index}=${index}`).join('; ');
    const response = await app.request('/session', {
      headers: { 'user-agent': 'test', cookie: `${others};\t ${cookie}` },
    });
    expect(idIn(response)).toBe(id);
  });

  it('is read from the cookie header alone', async () => {
    const { id, cookie } = await app.visitor();
    const response = await app.request(`/session?${cookie}`, {
      headers: { 'user-agent': 'test', sid: cookie, 'x-session': cookie, authorization: `Bearer ${cookie}` },
    });
    expect(idIn(response)).not.toBe(id);
  });
});

describe.each(ADAPTERS)('The settings of the session cookie on %s', (adapter) => {
  it('name, domain and SameSite reach it, and a domain rules out the host prefix', async () => {
    const app = await startSessionApp(
      adapter,
      { cookieName: 'visit', cookieDomain: 'example.com', cookieSameSite: 'none' },
      { trustProxy: 'loopback' },
    );
    try {
      const secure = await app.request('/session', { headers: { 'x-forwarded-proto': 'https' } });
      expect(secure.headers['set-cookie']).toEqual([
        expect.stringMatching(
          /^__Secure-visit=[\w-]{45}; Domain=example\.com; Path=\/; HttpOnly; Secure; SameSite=None$/,
        ),
      ]);
      const insecure = await app.request('/session');
      expect(insecure.headers['set-cookie']).toEqual([
        expect.stringMatching(/^visit=[\w-]{45}; Domain=example\.com; Path=\/; HttpOnly; SameSite=Lax$/),
      ]);
    } finally {
      await app.close();
    }
  });

  it('ignore the forwarding headers of an untrusted sender', async () => {
    const app = await startSessionApp(adapter);
    try {
      const response = await app.request('/session', { headers: { 'x-forwarded-proto': 'https' } });
      expect(ourCookies(response)).toEqual([expect.stringMatching(/^sid=/)]);
    } finally {
      await app.close();
    }
  });
});
