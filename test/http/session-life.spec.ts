import { Logger } from '@nestjs/common';
import { SessionsError } from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import { ADAPTERS } from '../support/http-app.js';
import type { VerbatimResponse } from '../support/verbatim-request.js';
import { cookieOf, idIn, ourCookies, startSessionApp, type SessionApp, type Visitor } from './session-app.js';

const MINUTE = 60_000;
const IDLE = 15 * MINUTE;
const HOUR = 60 * MINUTE;

describe.each(ADAPTERS)('The life of a session over HTTP on %s', (adapter) => {
  let app: SessionApp;
  beforeEach(async () => {
    app = await startSessionApp(adapter, {
      openRate: 0,
      maxUnconfirmedPerNetwork: 0,
      maxSessionsPerNetwork: 0,
    });
  });
  afterEach(() => app.close());

  const idOf = async ({ headers }: Pick<Visitor, 'headers'>): Promise<string> =>
    idIn(await app.request('/session', { headers }));
  const requestCount = async (id: string): Promise<number | undefined> =>
    (await app.service.describe({ id }))?.requestCount;

  it('counts each request once, whichever component resolves the session first', async () => {
    const visitor = await app.visitor();
    expect(await requestCount(visitor.id)).toBe(1);
    expect(await idOf(visitor)).toBe(visitor.id);
    expect(await requestCount(visitor.id)).toBe(2);
    await app.request('/guarded', { headers: visitor.headers });
    expect(await requestCount(visitor.id)).toBe(3);
    await app.request('/open', { headers: visitor.headers });
    expect(await requestCount(visitor.id)).toBe(4);
  });

  it('opens one session if a guard resolves it before the interceptor and the handler', async () => {
    const response = await app.request('/guarded');
    const { seen, id } = JSON.parse(response.text) as { seen: string; id: string };
    expect(seen).toBe(id);
    expect(ourCookies(response)).toHaveLength(1);
    expect((await app.service.totals()).created).toBe(1);
  });

  it('neither opens nor touches a session for a handler that skips sessions', async () => {
    for (const path of ['/skipped', '/quiet']) {
      const response = await app.request(path);
      expect(response.status).toBe(200);
      expect(response.headers['set-cookie']).toBeUndefined();
    }
    expect((await app.service.totals()).created).toBe(0);
    const visitor = await app.visitor();
    app.clock.advance(1000);
    const skipped = await app.request('/skipped', { headers: visitor.headers });
    expect(JSON.parse(skipped.text)).toEqual({ id: null });
    expect(await app.service.describe(visitor)).toMatchObject({
      requestCount: 1,
      lastActivityAt: app.clock.now() - 1000,
    });
  });

  it('is live one millisecond before its idle end, and over at it without a cleanup', async () => {
    const visitor = await app.visitor();
    await idOf(visitor);
    app.clock.advance(IDLE - 1);
    expect(await idOf(visitor)).toBe(visitor.id);
    app.clock.advance(IDLE);
    const response = await app.request('/session', { headers: visitor.headers });
    expect(idIn(response)).not.toBe(visitor.id);
    expect(ourCookies(response)).toHaveLength(1);
    expect((await app.service.totals()).ended.idle).toBe(1);
  });

  it('is live one millisecond before its absolute end, and over at it despite activity', async () => {
    const visitor = await app.visitor();
    await idOf(visitor);
    for (let step = 0; step < 5; step += 1) {
      app.clock.advance(10 * MINUTE);
      expect(await idOf(visitor)).toBe(visitor.id);
    }
    app.clock.advance(HOUR - 50 * MINUTE - 1);
    expect(await idOf(visitor)).toBe(visitor.id);
    app.clock.advance(1);
    expect(await idOf(visitor)).not.toBe(visitor.id);
    expect((await app.service.totals()).ended.expired).toBe(1);
  });

  it('lasts a minute if its cookie never comes back', async () => {
    const [early, late] = [await app.visitor(), await app.visitor()];
    app.clock.advance(MINUTE - 1);
    expect(await idOf(early)).toBe(early.id);
    app.clock.advance(1);
    expect(await idOf(late)).not.toBe(late.id);
  });

  it('is over at once when ended, deletes its cookie, and never returns', async () => {
    const visitor = await app.visitor();
    const ending = await app.request('/session', { method: 'DELETE', headers: visitor.headers });
    expect(ending.status).toBe(204);
    expect(ourCookies(ending)).toEqual([expect.stringMatching(/^sid=; Max-Age=0; Path=\//)]);
    expect(ending.headers['cache-control']).toBe('no-store');
    for (let tries = 0; tries < 3; tries += 1) expect(await idOf(visitor)).not.toBe(visitor.id);
    expect(await app.service.describe(visitor)).toBeNull();
  });

  it('is not revived by a request in flight when it ended', async () => {
    const visitor = await app.visitor();
    const slow = app.request('/slow', { headers: visitor.headers });
    await app.controller.slowArrived.promise;
    await app.service.end({ id: visitor.id });
    app.controller.slow.resolve();
    const response = await slow;
    expect(response.status).toBe(401);
    expect(JSON.parse(response.text)).toMatchObject({ statusCode: 401, code: 'SESSION_GONE' });
    expect(response.headers['set-cookie']).toBeUndefined();
    expect(await app.service.describe(visitor)).toBeNull();
    expect(await idOf(visitor)).not.toBe(visitor.id);
  });

  describe('after regenerate', () => {
    it('has a new token, and the same id and absolute end', async () => {
      const visitor = await app.visitor();
      const before = await app.service.describe(visitor);
      app.clock.advance(5000);
      const response = await app.request('/regenerate', { method: 'POST', headers: visitor.headers });
      const [line = ''] = ourCookies(response);
      expect(line).toMatch(/^sid=[\w-]{45}; Path=\/; HttpOnly; SameSite=Lax$/);
      const renewed = { headers: { ...visitor.headers, cookie: line.split(';')[0]! } };
      expect(renewed.headers.cookie).not.toBe(visitor.cookie);
      expect(await idOf(renewed)).toBe(visitor.id);
      expect(await app.service.describe(visitor)).toMatchObject({ expiresAt: before?.expiresAt });
    });

    it('refuses the old token: for 30 s without a session, then with a new one', async () => {
      const visitor = await app.visitor();
      await app.request('/regenerate', { method: 'POST', headers: visitor.headers });
      app.clock.advance(29_999);
      const optional = await app.request('/optional', { headers: visitor.headers });
      expect(JSON.parse(optional.text)).toEqual({ id: null });
      expect(optional.headers['set-cookie']).toBeUndefined();
      const required = await app.request('/session', { headers: visitor.headers });
      expect(required.status).toBe(409);
      expect(JSON.parse(required.text)).toMatchObject({ code: 'SESSION_STALE' });
      expect(required.headers['set-cookie']).toBeUndefined();
      app.clock.advance(1);
      const later = await app.request('/session', { headers: visitor.headers });
      expect(later.status).toBe(200);
      expect(idIn(later)).not.toBe(visitor.id);
      expect(ourCookies(later)).toHaveLength(1);
    });
  });

  describe('after a login', () => {
    const login = ({ headers }: Pick<Visitor, 'headers'>, path: string) =>
      app.request(`/login/${path}`, { method: 'POST', headers });
    const withCookieOf = (visitor: Visitor, response: Parameters<typeof ourCookies>[0]) => ({
      headers: { ...visitor.headers, cookie: ourCookies(response)[0]?.split(';')[0] ?? '' },
    });

    it('has a new token; of two logins at once one is refused with 409, and gets no cookie', async () => {
      const visitor = await app.visitor();
      const answers = await Promise.all([login(visitor, 'ada'), login(visitor, 'eve')]);
      const [won, lost] = answers.toSorted((a, b) => a.status - b.status);
      expect([won?.status, lost?.status]).toEqual([200, 409]);
      expect(JSON.parse(lost!.text)).toMatchObject({ code: 'SESSION_STALE' });
      expect(lost?.headers['set-cookie']).toBeUndefined();
      expect(await idOf(withCookieOf(visitor, won!))).toBe(visitor.id);
      const user = won === answers[0] ? 'ada' : 'eve';
      expect(await app.service.describe(visitor)).toMatchObject({ userId: user });
    });

    it('of another user is refused, or a new session in the same response where the login restarts', async () => {
      const visitor = await app.visitor();
      const hers = withCookieOf(visitor, await login(visitor, 'ada'));
      const refused = await login(hers, 'eve');
      expect(refused.status).toBe(409);
      expect(JSON.parse(refused.text)).toMatchObject({ code: 'SESSION_TAKEN' });
      expect(refused.headers['set-cookie']).toBeUndefined();
      const restarted = await login(hers, 'eve?ifTaken=restart');
      expect(restarted.status).toBe(200);
      expect(ourCookies(restarted)).toHaveLength(1);
      expect(idIn(restarted)).not.toBe(visitor.id);
      expect(await idOf(withCookieOf(visitor, restarted))).toBe(idIn(restarted));
      expect(await app.service.describe(visitor)).toBeNull();
      const parallel = await app.request('/session', { headers: hers.headers });
      expect([parallel.status, parallel.headers['set-cookie']]).toEqual([409, undefined]);
    });

    it('gives no cookie to requests that were slower than two new tokens', async () => {
      const visitor = await app.visitor();
      const second = withCookieOf(visitor, await login(visitor, 'ada'));
      await app.request('/regenerate', { method: 'POST', headers: second.headers });
      for (const { headers } of [visitor, second]) {
        for (const path of ['/session', '/optional']) {
          const late = await app.request(path, { headers });
          expect(late.headers['set-cookie']).toBeUndefined();
        }
      }
    });
  });

  it('emits an event for every refused token', async () => {
    const reasons: string[] = [];
    app.service.events.on('session.refused', ({ reason }) => reasons.push(reason));
    const [ended, replaced] = [await app.visitor(), await app.visitor()];
    await app.request('/session', { method: 'DELETE', headers: ended.headers });
    await app.request('/regenerate', { method: 'POST', headers: replaced.headers });
    for (const cookie of [`sid=${'A'.repeat(45)}`, ended.cookie, replaced.cookie, 'sid=; sid=', 'other=1']) {
      await app.request('/open', { headers: { 'user-agent': 'test', cookie } });
    }
    expect(reasons).toEqual(['unknown_token', 'ended_token', 'replaced_token', 'unknown_token']);
  });

  describe('that is remembered', () => {
    const DAY = 24 * HOUR;
    const MAX_AGE = /; Max-Age=(\d+)(;|$)/;
    /** For how long the client keeps the cookie of a response, in seconds; `null`: as long as its browser runs. */
    const keptSeconds = (response: VerbatimResponse): number | null => {
      const [line] = ourCookies(response);
      if (line === undefined) throw new Error(`${response.status} sets no cookie`);
      return MAX_AGE.test(line) ? Number(MAX_AGE.exec(line)?.[1]) : null;
    };
    const post = (path: string, cookie: string): Promise<VerbatimResponse> =>
      app.request(path, { method: 'POST', headers: { 'user-agent': 'test', cookie } });

    it('lives as long as its login says, and so does each of its cookies', async () => {
      const { id, cookie } = await app.visitor();
      const login = await post(`/login/ada?remember=1&seconds=${30 * 24 * 3600}`, cookie);
      expect(keptSeconds(login)).toBe(30 * 24 * 3600);
      app.clock.advance(10 * DAY);
      const regenerated = await post('/regenerate', cookieOf(login));
      expect(idIn(regenerated)).toBe(id);
      expect(keptSeconds(regenerated)).toBe(20 * 24 * 3600);
      app.clock.advance(20 * DAY);
      expect(await idOf({ headers: { 'user-agent': 'test', cookie: cookieOf(regenerated) } })).not.toBe(id);
    });

    it('is kept until its absolute end where the login moves none, and no longer than the next login', async () => {
      const visitor = await app.visitor();
      await idOf(visitor);
      app.clock.advance(10 * MINUTE);
      const login = await post('/login/ada?remember=1', visitor.cookie);
      expect(keptSeconds(login)).toBe(50 * 60);
      expect(keptSeconds(await post('/login/ada', cookieOf(login)))).toBeNull();
    });

    it('may be the new one of a login that goes into another session', async () => {
      const { id, cookie } = await app.visitor();
      const login = await post('/login/ada', cookie);
      const other = await post('/login/bob?ifTaken=restart&remember=1&seconds=7200', cookieOf(login));
      expect(idIn(other)).not.toBe(id);
      expect(keptSeconds(other)).toBe(7200);
      app.clock.advance(2 * HOUR - 1);
      expect(await idOf({ headers: { 'user-agent': 'test', cookie: cookieOf(other) } })).toBe(idIn(other));
    });
  });
});

describe.each(ADAPTERS)('A store that cannot answer, on %s', (adapter) => {
  it('is answered 503 with Retry-After, never with a new session', async () => {
    const errors = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const app = await startSessionApp(adapter, { cache: false });
    try {
      const visitor = await app.visitor();
      const store = app.app.get(SessionStore);
      const away = new SessionsError('STORE_UNAVAILABLE', 'The store does not answer.');
      const find = jest.spyOn(store.sessions, 'findByToken').mockRejectedValue(away);
      errors.mockClear();
      const response = await app.request('/open', { headers: visitor.headers });
      expect(response.status).toBe(503);
      expect(response.headers['retry-after']).toBe('5');
      expect(response.headers['set-cookie']).toBeUndefined();
      expect(JSON.parse(response.text)).toEqual({
        statusCode: 503,
        code: 'STORE_UNAVAILABLE',
        message: 'The store does not answer.',
      });
      expect(errors).toHaveBeenCalledTimes(1);
      find.mockRestore();
      const healed = await app.request('/session', { headers: visitor.headers });
      expect(idIn(healed)).toBe(visitor.id);
    } finally {
      errors.mockRestore();
      await app.close();
    }
  });
});
