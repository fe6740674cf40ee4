import { randomBytes } from 'node:crypto';
import { EventStream } from '../support/event-stream.js';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import type { VerbatimResponse } from '../support/verbatim-request.js';
import { cookieOf, idIn, ourCookies, startSessionApp, type SessionApp } from './session-app.js';

const KEYS = [randomBytes(32).toString('base64')];
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

function tokenIn(response: VerbatimResponse): string {
  const token = response.headers['x-session-token'];
  if (typeof token !== 'string') throw new Error(`${response.status} has no session token`);
  return token;
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, 'user-agent': 'test' };
}

describe.each(ADAPTERS)('Tokens in headers on %s', (adapter) => {
  let app: SessionApp;
  afterEach(() => app.close());

  const start = async (
    tokenIn: 'cookie' | 'header' | 'both',
    options: Parameters<typeof startSessionApp>[1] = {},
  ): Promise<void> => {
    app = await startSessionApp(adapter, { tokenIn, keys: KEYS, ...options });
  };
  const ask = (
    headers: Record<string, string>,
    path = '/session',
    method = 'GET',
  ): Promise<VerbatimResponse> =>
    app.request(path, { headers: { 'user-agent': 'test', ...headers }, method });

  describe('of clients that have headers only', () => {
    it.each([
      ['sealed', KEYS],
      ['plain', []],
    ])('are answered once, kept out of caches, and come back: %s', async (_kind, keys) => {
      await start('header', { keys });
      const first = await ask({});
      const token = tokenIn(first);
      expect(first.headers).toMatchObject({ 'cache-control': 'no-store', vary: 'Authorization' });
      expect(first.headers['set-cookie']).toBeUndefined();
      const again = await ask(bearer(token));
      expect([again.status, idIn(again)]).toEqual([200, idIn(first)]);
      expect(again.headers['x-session-token']).toBeUndefined();
      expect(idIn(await ask({ authorization: `bearer  ${token} ` }))).toBe(idIn(first));
    });

    it('are the only ones: a cookie with the same text opens nothing', async () => {
      await start('header');
      const first = await ask({});
      const other = await ask({ cookie: `sid=${tokenIn(first)}` });
      expect(idIn(other)).not.toBe(idIn(first));
    });

    it('are replaced by a login and a regenerate, also when the login goes into another session', async () => {
      await start('header');
      const first = await ask({});
      const login = await ask(bearer(tokenIn(first)), '/login/ada', 'POST');
      expect((await ask(bearer(tokenIn(first)))).status).toBe(409);
      const regenerated = await ask(bearer(tokenIn(login)), '/regenerate', 'POST');
      const restarted = await ask(bearer(tokenIn(regenerated)), '/login/bob?ifTaken=restart', 'POST');
      expect(idIn(restarted)).not.toBe(idIn(first));
      expect(idIn(await ask(bearer(tokenIn(restarted))))).toBe(idIn(restarted));
      for (const answer of [login, regenerated, restarted])
        expect(answer.headers['set-cookie']).toBeUndefined();
    });

    it('of an ended session get a new one, and so does junk of our form', async () => {
      await start('header');
      const first = await ask({});
      expect((await ask(bearer(tokenIn(first)), '/session', 'DELETE')).status).toBe(204);
      for (const old of [tokenIn(first), tokenIn(first).replace(/.{9}$/, 'AAAAAAAAA')]) {
        const fresh = await ask(bearer(old));
        expect(idIn(fresh)).not.toBe(idIn(first));
        expect(idIn(await ask(bearer(tokenIn(fresh))))).toBe(idIn(fresh));
      }
    });

    it('of somebody else begin nothing', async () => {
      await start('header');
      const answer = await ask(bearer(JWT));
      expect([answer.status, JSON.parse(answer.text).code]).toEqual([401, 'SESSION_REQUIRED']);
      expect((await ask(bearer(JWT), '/optional')).text).toBe('{"id":null}');
      expect(answer.headers['x-session-token']).toBeUndefined();
      expect(await app.service.list({ sort: '-created_at', limit: 10 })).toEqual([]);
    });

    it.each(['Bearer', 'Bearer ', 'bearer\t', `Bearer ${JWT}, Bearer ${JWT}`, 'Bearer a b', 'Bearer "x"'])(
      'that are broken begin nothing: %j',
      async (authorization) => {
        await start('header');
        const answer = await ask({ authorization });
        expect(answer.status).toBe(401);
        expect(answer.headers['x-session-token']).toBeUndefined();
        expect((await ask({ authorization: 'Basic eDp5' })).status).toBe(200);
      },
    );

    it('count after any blanks', async () => {
      await start('header');
      const first = await ask({});
      expect(idIn(await ask({ authorization: `Bearer\t ${tokenIn(first)}` }))).toBe(idIn(first));
    });

    it.each([
      ['plain ones, since there are keys', [], KEYS],
      ['sealed ones, since there are none', KEYS, []],
    ])('of before are replaced: %s', async (_which, before, now) => {
      await start('header', { keys: before });
      const old = tokenIn(await ask({}));
      await app.close();
      await start('header', { keys: now });
      const answer = await ask(bearer(old));
      expect([answer.status, tokenIn(answer) === old]).toEqual([200, false]);
    });

    it('are not handed out for a session that the request itself has ended', async () => {
      await start('header');
      const answer = await ask({}, '/session', 'DELETE');
      expect(answer.status).toBe(204);
      expect(answer.headers['x-session-token']).toBeUndefined();
    });

    it('stay with their session when another client presents them', async () => {
      await start('header');
      const token = tokenIn(await ask({ 'user-agent': 'okhttp/4' }));
      const answer = await ask({ ...bearer(token), 'user-agent': 'curl/8' });
      expect([answer.status, JSON.parse(answer.text).code]).toEqual([401, 'SESSION_BINDING_MISMATCH']);
      expect(answer.headers['x-session-token']).toBeUndefined();
      expect((await ask({ ...bearer(token), 'user-agent': 'okhttp/4' })).status).toBe(200);
    });

    it('need no defence against pages of other sites', async () => {
      await start('header');
      const token = tokenIn(await ask({}));
      const foreign = { origin: 'https://other.example', 'sec-fetch-site': 'cross-site' };
      expect((await ask({ ...bearer(token), ...foreign }, '/regenerate', 'POST')).status).toBe(200);
    });
  });

  describe('beside cookies', () => {
    it('win, and set no cookie', async () => {
      await start('both');
      const browser = await ask({});
      expect(browser.headers['x-session-token']).toBeUndefined();
      const cookie = cookieOf(browser);
      const program = await ask({ 'x-session-token': 'new' });
      expect(program.headers['set-cookie']).toBeUndefined();
      const both = await ask({ ...bearer(tokenIn(program)), cookie });
      expect(idIn(both)).toBe(idIn(program));
      expect(ourCookies(both)).toEqual([]);
      const login = await ask({ ...bearer(tokenIn(program)), cookie }, '/login/ada', 'POST');
      expect(login.headers['set-cookie']).toBeUndefined();
      expect(idIn(await ask({ cookie }))).toBe(idIn(browser));
    });

    it('are sealed for their own use: neither stands for the other', async () => {
      await start('both');
      const browser = await ask({});
      const program = await ask({ 'x-session-token': 'new' });
      const text = cookieOf(browser).slice('sid='.length);
      expect(idIn(await ask(bearer(text)))).not.toBe(idIn(browser));
      expect(idIn(await ask({ cookie: `sid=${tokenIn(program)}` }))).not.toBe(idIn(program));
      // Also when the server remembers them.
      expect(idIn(await ask({ cookie: `sid=${text}` }))).toBe(idIn(browser));
      expect(idIn(await ask(bearer(text)))).not.toBe(idIn(browser));
    });

    it('a page cannot get the token of its cookie into a header', async () => {
      await start('both');
      const cookie = cookieOf(await ask({}));
      const answer = await ask({ cookie, 'x-session-token': 'new' });
      expect(answer.headers['x-session-token']).toBeUndefined();
    });

    it('of somebody else leave the session of the cookie, and begin none', async () => {
      await start('both');
      const browser = await ask({});
      const answer = await ask({ ...bearer(JWT), cookie: cookieOf(browser) });
      expect(idIn(answer)).toBe(idIn(browser));
      expect((await ask(bearer(JWT))).status).toBe(401);
    });

    it('do not lift the defence of the cookie', async () => {
      await start('both');
      const cookie = cookieOf(await ask({}));
      const foreign = { cookie, origin: 'https://other.example', 'sec-fetch-site': 'cross-site' };
      expect((await ask(foreign, '/regenerate', 'POST')).status).toBe(403);
      expect((await ask({ ...foreign, ...bearer(JWT) }, '/regenerate', 'POST')).status).toBe(403);
    });
  });

  it('count for nothing unless the option says so', async () => {
    await start('cookie');
    const browser = await ask({ 'x-session-token': 'new', ...bearer(JWT) });
    expect(browser.headers['x-session-token']).toBeUndefined();
    const text = cookieOf(browser).slice('sid='.length);
    expect(idIn(await ask(bearer(text)))).not.toBe(idIn(browser));
  });

  it('open event streams by fetch, which answer 204 after the end', async () => {
    await start('header');
    const token = tokenIn(await ask({}));
    const stream = new EventStream(await fetch(`${app.url}/events`, { headers: bearer(token) }));
    app.controller.messages.next({ data: { progress: 1 } });
    expect(await stream.next()).toEqual({ event: 'message', data: { progress: 1 } });
    await ask(bearer(token), '/session', 'DELETE');
    expect(await stream.next()).toMatchObject({ event: 'session-ended' });
    expect((await fetch(`${app.url}/events`, { headers: bearer(token) })).status).toBe(204);
  });
});

describe.each(ADAPTERS)('Uploads with tokens in headers on %s', (adapter) => {
  it('belong to the session of their token', async () => {
    const app = await FileApp.start(adapter, { tokenIn: 'header', keys: KEYS });
    try {
      const begun = await fetch(`${app.url}/begin`, { method: 'POST' });
      const { session_id: sessionId } = (await begun.json()) as { session_id: string };
      const form = new FormData();
      form.append('file', new File([Buffer.alloc(100)], 'a.wav'));
      const headers = { authorization: `Bearer ${begun.headers.get('x-session-token')}` };
      const stored = await fetch(`${app.url}/upload`, { method: 'POST', body: form, headers });
      expect(await stored.json()).toMatchObject({ resource: { sessionId, sizeBytes: 100 } });
    } finally {
      await app.close();
    }
  });
});
