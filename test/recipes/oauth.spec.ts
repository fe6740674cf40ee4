import { Controller, Get } from '@nestjs/common';
import { CurrentSession, SessionService, type Session, type SessionsModuleOptions } from 'nest-sessions';
import { ManualClock } from 'nest-sessions/testing';
import { ADAPTERS, startApp, type AppParts, type RunningApp } from '../support/http-app.js';
import { OAuthProvider, type Return } from '../support/oauth-provider.js';
import { modulesOfPage, type PageModules } from '../support/page-modules.js';
import { SiteBrowser } from './site-browser.js';

const MINUTE = 60_000;

@Controller()
class WhoController {
  @Get('who')
  who(@CurrentSession() { id, userId }: Session) {
    return { id, userId };
  }
}

type Parts = Pick<AppParts, 'controllers' | 'providers'>;

const RECIPES: [name: string, page: string, start: string, parts: (page: PageModules) => Parts][] = [
  [
    'by hand',
    'docs/data.md',
    '/oauth/start',
    (page) => ({ controllers: [page.classOf('oauth.controller.ts', 'OAuthController')] }),
  ],
  [
    'by Passport',
    'docs/recipes.md',
    '/provider',
    (page) => ({
      controllers: [page.classOf('provider.controller.ts', 'ProviderController')],
      providers: [
        page.classOf('provider.strategy.ts', 'ProviderStrategy'),
        page.classOf('session-states.ts', 'SessionStates'),
      ],
    }),
  ],
];

describe.each(RECIPES)('The recipe of a login at another service, %s,', (_name, path, start, partsOf) => {
  let provider: OAuthProvider;
  let page: PageModules;

  beforeAll(async () => {
    provider = await OAuthProvider.start();
    page = modulesOfPage(path, { 'https://login.example.com': provider.url });
  });
  afterAll(async () => {
    page.remove();
    await provider.stop();
  });

  describe.each(ADAPTERS)('on %s', (adapter) => {
    let running: RunningApp;
    let clock: ManualClock;
    let browser: SiteBrowser;

    const begin = async (options: SessionsModuleOptions = {}): Promise<void> => {
      clock = new ManualClock();
      const { controllers = [], providers = [] } = partsOf(page);
      running = await startApp(adapter, {
        controllers: [WhoController, ...controllers],
        providers,
        trustProxy: 'loopback',
        options: { store: 'memory', cleanupIntervalSeconds: 86_400, ...options, adapters: { clock } },
      });
      browser = new SiteBrowser(running.url);
    };
    afterEach(() => running.close());

    /** To the provider, where the user stays for so long. */
    const visitProvider = async (minutes = 3): Promise<Return> => {
      const { status, headers } = await browser.go(start);
      expect([status, headers.location]).toEqual([
        302,
        expect.stringContaining(`${provider.url}/authorize?`),
      ]);
      expect(browser.cookie).toMatch(/^__Host-sid=/);
      const back = await provider.agree(headers.location!);
      clock.advance(minutes * MINUTE);
      return back;
    };
    const returnByGet = async ({ to, fields }: Return, by = browser): Promise<number> => {
      const query = new URLSearchParams(fields);
      return (await by.go(`${to.pathname}?${String(query)}`, { isCrossSite: true })).status;
    };
    const returnByForm = async ({ to, fields }: Return): Promise<number> =>
      (await browser.go(to.pathname, { method: 'POST', form: fields, isCrossSite: true })).status;
    const who = (by = browser): Promise<{ id: string; userId: string | null }> => by.json('/who');

    it('logs in a user who was at the provider for three minutes with their first request, by a new token', async () => {
      await begin();
      const back = await visitProvider();
      const before = browser.cookie;
      expect(await returnByGet(back)).toBe(303);
      expect(browser.cookie).not.toBe(before);
      expect(await who()).toMatchObject({ userId: 'ada' });
      expect(await running.app.get(SessionService).listByUser('ada')).toHaveLength(1);
    });

    it('logs in to the session that was there, which the visit keeps alive', async () => {
      await begin();
      const { id } = await who();
      clock.advance(14 * MINUTE);
      await running.app.get(SessionService).set({ id }, 'oauth', { state: 'of an older tab', verifier: '' });
      expect(await returnByGet(await visitProvider(14))).toBe(303);
      expect(await who()).toEqual({ id, userId: 'ada' });
    });

    it('does not when the user came back too late: the session is over', async () => {
      await begin();
      const back = await visitProvider(16);
      expect(await returnByGet(back)).toBe(401);
      expect(await who()).toMatchObject({ userId: null });
    });

    it('takes the answer of a form, if the cookie may come with it', async () => {
      await begin({ cookieSameSite: 'none' });
      const { id } = await who();
      expect(await returnByForm(await visitProvider())).toBe(303);
      expect(await who()).toEqual({ id, userId: 'ada' });
    });

    it('refuses the answer of a form without the cookie', async () => {
      await begin();
      expect(await returnByForm(await visitProvider())).toBe(401);
      expect(await who()).toMatchObject({ userId: null });
    });

    it('takes an answer once', async () => {
      await begin();
      const back = await visitProvider();
      expect([await returnByGet(back), await returnByGet(back)]).toEqual([303, 401]);
    });

    it('refuses an answer with a wrong state, and the right one after it', async () => {
      await begin();
      const back = await visitProvider();
      const wrong = { ...back, fields: { ...back.fields, state: 'x'.repeat(43) } };
      expect([await returnByGet(wrong), await returnByGet(back)]).toEqual([401, 401]);
      expect(await who()).toMatchObject({ userId: null });
    });

    it('refuses an answer in a browser that did not begin it', async () => {
      await begin();
      const back = await visitProvider();
      const victim = new SiteBrowser(running.url);
      await who(victim);
      expect(await returnByGet(back, victim)).toBe(401);
      expect(await who(victim)).toMatchObject({ userId: null });
    });

    it('refuses a code that belongs to another verifier, or to nobody', async () => {
      await begin();
      const stolen = (await visitProvider()).fields['code']!;
      for (const code of [stolen, 'no code']) {
        const back = await visitProvider();
        expect(await returnByGet({ ...back, fields: { ...back.fields, code } })).toBe(401);
      }
      expect(await who()).toMatchObject({ userId: null });
    });

    it.each(['?code=a&code=b&state=c&state=d', '?code=a', `?code=a&state=${'x'.repeat(5000)}`])(
      'answers 401 to %.40s',
      async (query) => {
        await begin();
        const { to } = await visitProvider();
        expect((await browser.go(to.pathname + query, { isCrossSite: true })).status).toBe(401);
      },
    );
  });
});

declare module 'nest-sessions' {
  interface SessionDataTypes {
    oauth: { state: string; verifier: string };
  }
}
