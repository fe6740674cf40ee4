import { Logger } from '@nestjs/common';
import type { SessionsModuleOptions } from 'nest-sessions';
import { CookieBrowser, type Visit } from '../support/cookie-browser.js';
import { ADAPTERS } from '../support/http-app.js';
import { idIn, startSessionApp, type SessionApp } from './session-app.js';

const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';
const IPHONE_LATER = IPHONE.replace('17_5', '17_6').replace('17.5', '17.6');
const IPHONE_DESKTOP =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15';
const PLAYER = 'AppleCoreMedia/1.0.0.21F90 (iPhone; U; CPU OS 17_5_1 like Mac OS X; de_de)';
const OTHER = 'curl/8.5.0';
const MINUTE = 60_000;

type Options = Omit<SessionsModuleOptions, 'adapters'>;

describe.each(ADAPTERS)('One browser on %s', (adapter) => {
  let warn: jest.SpiedFunction<Logger['warn']>;
  beforeEach(() => {
    warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  });
  afterEach(() => warn.mockRestore());

  const withBrowser = async (
    use: (browser: CookieBrowser, app: SessionApp, told: string[]) => Promise<void>,
    options: Options = {},
  ): Promise<void> => {
    const app = await startSessionApp(adapter, options, { trustProxy: 'loopback' });
    const told: string[] = [];
    const { events } = app.service;
    events.on('session.opened', () => told.push('opened'));
    events.on('session.mismatch', ({ property }) => told.push(`mismatch ${property}`));
    events.on('session.address-learnt', ({ family }) => told.push(`learnt ${family}`));
    events.on('session.refused', ({ reason }) => told.push(`refused ${reason}`));
    try {
      await use(new CookieBrowser(app.url, { address: '192.0.2.1', agent: IPHONE }), app, told);
    } finally {
      await app.close();
    }
  };
  const idOf = async (browser: CookieBrowser, visit: Visit = {}): Promise<string> =>
    idIn(await browser.request('/session', visit));
  const warnings = (): string[] =>
    warn.mock.calls.map(([message]) => String(message)).filter((text) => !text.includes('forward'));

  it('keeps its session through an update, the desktop view, and IPv4 and IPv6 in turns', () =>
    withBrowser(async (browser, _, told) => {
      const id = await idOf(browser);
      const visits: Visit[] = [
        { agent: IPHONE_LATER },
        { agent: IPHONE_DESKTOP },
        { address: '2001:db8::1' },
        { address: '192.0.2.1' },
        { address: '2001:db8::abcd', agent: IPHONE_DESKTOP },
        {},
      ];
      for (const visit of visits) expect(await idOf(browser, visit)).toBe(id);
      expect(browser.names()).toEqual(['sid']);
      expect(told).toEqual(['opened', 'learnt 6']);
      expect(warnings()).toEqual([]);
    }));

  it('learns no second address of a family, keeps the first, and learns none after ten minutes', () =>
    withBrowser(async (browser, app, told) => {
      const id = await idOf(browser, { address: '2001:db8::1' });
      expect(await idOf(browser, { address: '192.0.2.1' })).toBe(id);
      expect(await idOf(browser, { address: '192.0.2.2' })).not.toBe(id);
      for (const address of ['2001:db8::2', '192.0.2.1']) expect(await idOf(browser, { address })).toBe(id);
      expect(told).toEqual(['opened', 'learnt 4', 'mismatch address', 'refused mismatch', 'opened']);

      const later = new CookieBrowser(app.url, { address: '192.0.2.9', agent: IPHONE });
      const laterId = await idOf(later);
      await idOf(later);
      app.clock.advance(10 * MINUTE);
      expect(await idOf(later, { address: '2001:db8::9' })).not.toBe(laterId);
      await later.request('/login/ada', { method: 'POST' });
      expect(await idOf(later, { address: '2001:db8::9' })).toBe(laterId);
      // The cookie of the session of its own is of no use any more.
      expect(later.names()).toEqual(['sid']);
    }));

  it('plays its files in the media player of its system, which learns nothing and gets no cookie', () =>
    withBrowser(async (browser, app, told) => {
      const id = await idOf(browser);
      const player = { agent: PLAYER, headers: { range: 'bytes=0-1' } };
      for (const method of ['GET', 'HEAD']) {
        const answer = await browser.request('/session', { ...player, method });
        expect([answer.status, answer.headers['set-cookie']]).toEqual([200, undefined]);
      }
      expect(await idOf(browser, player)).toBe(id);
      const posted = await browser.request('/regenerate', { ...player, method: 'POST' });
      expect([posted.status, posted.headers['set-cookie']]).toEqual([401, undefined]);
      const elsewhere = await browser.request('/session', { ...player, address: '2001:db8::1' });
      expect([elsewhere.status, elsewhere.headers['set-cookie']]).toEqual([401, undefined]);
      expect(JSON.parse(elsewhere.text)).toMatchObject({ code: 'SESSION_BINDING_MISMATCH' });
      expect(told).toEqual([
        'opened',
        'mismatch agent',
        'refused mismatch',
        'mismatch address',
        'refused mismatch',
      ]);
      expect((await app.service.describe({ id }))?.otherAddress).toBeNull();
    }));

  it('gets a cookie of another name from elsewhere, has its session back at home, and both stay', () =>
    withBrowser(async (browser, app, told) => {
      const id = await idOf(browser);
      const away: Visit = { address: '198.51.100.1' };
      const awayId = await idOf(browser, away);
      expect(awayId).not.toBe(id);
      expect(browser.names()).toEqual(['sid', 'sid-2']);
      for (let turn = 0; turn < 3; turn += 1) {
        expect(await idOf(browser)).toBe(id);
        expect(await idOf(browser, away)).toBe(awayId);
      }
      expect(told).toEqual(['opened', 'mismatch address', 'refused mismatch', 'opened']);
      expect((await app.service.totals()).created).toBe(2);

      const thirdId = await idOf(browser, { address: '203.0.113.1' });
      expect(await idOf(browser, { address: '203.0.113.1' })).toBe(thirdId);
      expect(await idOf(browser)).toBe(id);
      expect(browser.names()).toEqual(['sid', 'sid-2']);
    }));

  it('keeps both cookies through logins, and an end takes back the one that it came by', () =>
    withBrowser(async (browser) => {
      const away: Visit = { address: '198.51.100.1' };
      const ids = [await idOf(browser), await idOf(browser, away)];
      await browser.request('/login/ada', { ...away, method: 'POST' });
      await browser.request('/regenerate', { method: 'POST' });
      expect([await idOf(browser), await idOf(browser, away)]).toEqual(ids);
      await browser.request('/session', { ...away, method: 'DELETE' });
      expect(browser.names()).toEqual(['sid']);
      expect(await idOf(browser)).toBe(ids[0]);
      await idOf(browser, away);
      await browser.request('/session', { method: 'DELETE' });
      expect(browser.names()).toEqual(['sid-2']);
      // No session lives under the first name: a new one takes it.
      expect(await idOf(browser)).not.toBe(ids[0]);
      expect(browser.names()).toEqual(['sid', 'sid-2']);
    }));

  it('has its event stream closed for good after a logout, though another client has a second cookie', () =>
    withBrowser(async (browser, app) => {
      const ended = browser.clone();
      await idOf(browser);
      await idOf(browser, { address: '198.51.100.1' });
      for (const cookie of browser.at('/')) ended.keep(`${cookie.name}=${cookie.value}; Path=/`);
      await browser.request('/session', { method: 'DELETE' });
      expect(browser.names()).toEqual(['sid-2']);
      const created = (await app.service.totals()).created;
      const again = await browser.request('/events', { headers: { 'last-event-id': '1' } });
      const presented = await ended.request('/events');
      expect([again.status, presented.status]).toEqual([204, 204]);
      expect((await app.service.totals()).created).toBe(created);
    }));

  it('has names of its own over a secure connection', () =>
    withBrowser(async (browser) => {
      const id = await idOf(browser, { secure: true });
      await idOf(browser, { secure: true, address: '198.51.100.1' });
      expect(browser.names(true)).toEqual(['__Host-sid', '__Host-sid-2']);
      expect(await idOf(browser, { secure: true })).toBe(id);
    }));

  it.each(['image', 'audio', 'video', 'track', 'font', 'style', 'script'])(
    'gets no session of its own for a part of a page from elsewhere: %s',
    (destination) =>
      withBrowser(async (browser, app) => {
        await idOf(browser);
        const visit: Visit = { address: '198.51.100.1', headers: { 'sec-fetch-dest': destination } };
        const open = await browser.request('/open', visit);
        expect([open.status, open.headers['set-cookie']]).toEqual([200, undefined]);
        const needed = await browser.request('/session', visit);
        expect([needed.status, needed.headers['set-cookie']]).toEqual([401, undefined]);
        expect((await app.service.totals()).created).toBe(1);
        expect(browser.names()).toEqual(['sid']);
      }),
  );

  it('is told of once a minute, with the option', () =>
    withBrowser(async (browser, app) => {
      const id = await idOf(browser);
      await idOf(browser);
      const cookie = browser.headerFor('/');
      const steal = (visit: Visit) =>
        new CookieBrowser(app.url, { address: '192.0.2.1', agent: IPHONE }).request('/open', {
          ...visit,
          headers: { cookie },
        });
      for (let times = 0; times < 3; times += 1) await steal({ address: '198.51.100.1' });
      await steal({ agent: OTHER });
      const lines = () =>
        warnings().map((line) => [line.includes(id), /bind\w+ \(SESSION_BIND_\w+\) is \w+/.exec(line)?.[0]]);
      const once = [
        [true, 'bindIp (SESSION_BIND_IP) is dual'],
        [true, 'bindAgent (SESSION_BIND_AGENT) is browser'],
      ];
      expect(lines()).toEqual(once);
      app.clock.advance(MINUTE - 1);
      await steal({ address: '198.51.100.1' });
      expect(lines()).toEqual(once);
      app.clock.advance(1);
      await steal({ address: '198.51.100.1' });
      expect(lines()).toEqual([...once, once[0]]);
    }));

  describe('with several cookies of one name', () => {
    const plant = (browser: CookieBrowser, value: string): void =>
      browser.keep(`sid=${value}; Domain=example.com; Path=/`);
    const tokenOf = (browser: CookieBrowser): string =>
      browser.at('/').find(({ name, hostOnly }) => name === 'sid' && hostOnly)?.value ?? '';

    it('keeps its session, whatever the other one is', () =>
      withBrowser(async (browser, app) => {
        const id = await idOf(browser);
        const other = new CookieBrowser(app.url, { address: '198.51.100.1', agent: OTHER });
        await idOf(other);
        for (const value of ['of-another-application', 'x'.repeat(45), tokenOf(other)]) {
          plant(browser, value);
          expect(await idOf(browser)).toBe(id);
        }
        plant(browser, tokenOf(browser));
        expect(await idOf(browser)).toBe(id);
        expect((await app.service.totals()).created).toBe(2);
        expect(warnings()).toEqual([]);
      }));

    it('gets one new session if none is live', () =>
      withBrowser(async (browser, app) => {
        plant(browser, 'of-another-application');
        browser.keep('sid=of-a-third; Path=/');
        const id = await idOf(browser);
        for (let times = 0; times < 5; times += 1) expect(await idOf(browser)).toBe(id);
        expect((await app.service.totals()).created).toBe(1);
      }));

    it('gets no session if more than one fits: all are taken back, also those of parent domains', () =>
      withBrowser(async (browser, app, told) => {
        await idOf(browser);
        const twin = new CookieBrowser(app.url, { address: '192.0.2.1', agent: IPHONE });
        await idOf(twin);
        plant(browser, tokenOf(twin));
        expect(browser.names()).toEqual(['sid', 'sid']);
        const answer = await browser.request('/optional');
        expect(JSON.parse(answer.text)).toEqual({ id: null });
        expect(browser.names()).toEqual([]);
        expect(told).toEqual(['opened', 'opened', 'refused several_cookies']);
        expect(warnings()).toEqual([expect.stringMatching(/several cookies named sid.*SESSION_COOKIE_NAME/)]);
        await idOf(browser);
        expect((await app.service.totals()).created).toBe(3);
      }));

    it('that it cannot be rid of: gets no session with every request, and its network is not locked out', () =>
      withBrowser(
        async (browser, app) => {
          const cookie = Array.from({ length: 6 }, (_, index) => `sid=stuck-${index}`).join('; ');
          for (let times = 0; times < 10; times += 1) {
            const answer = await browser.request('/session', { headers: { cookie } });
            expect(answer.status).toBe(401);
          }
          expect((await app.service.totals()).created).toBe(0);
          expect(warnings()).toHaveLength(1);
          expect(
            (await new CookieBrowser(app.url, { address: '192.0.2.1' }).request('/session')).status,
          ).toBe(200);
        },
        { openRate: 3 },
      ));
  });
});
