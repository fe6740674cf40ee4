import { ManualClock } from 'nest-sessions/testing';
import { ADAPTERS, startApp, type RunningApp } from '../support/http-app.js';
import { modulesOfPage, type PageModules } from '../support/page-modules.js';
import { SiteBrowser } from './site-browser.js';
import { DemoUsers } from './users.js';

const ADA = { username: 'ada', password: 'analytical' };
const EVE = { username: 'eve', password: 'evening' };

describe.each(ADAPTERS)('The recipe of a login by password with Passport, on %s,', (adapter) => {
  let page: PageModules;
  let running: RunningApp;
  let browser: SiteBrowser;

  beforeAll(() => (page = modulesOfPage('docs/recipes.md')));
  afterAll(() => page.remove());
  beforeEach(async () => {
    const AuthController = page.classOf('auth.controller.ts', 'AuthController');
    const LocalStrategy = page.classOf('local.strategy.ts', 'LocalStrategy');
    const Users = page.classOf('users.ts', 'Users');
    running = await startApp(adapter, {
      controllers: [AuthController],
      providers: [LocalStrategy, { provide: Users, useClass: DemoUsers }],
      trustProxy: 'loopback',
      options: { store: 'memory', adapters: { clock: new ManualClock() } },
    });
    browser = new SiteBrowser(running.url);
  });
  afterEach(() => running.close());

  const login = async (json: object, by = browser): Promise<number> =>
    (await by.go('/login', { method: 'POST', json })).status;
  const me = async (by = browser): Promise<unknown> => {
    const { status, text } = await by.go('/me');
    return status === 200 ? (JSON.parse(text) as unknown) : status;
  };

  it('logs in by a new token, and tells the user to later requests', async () => {
    expect(await me()).toBe(401);
    const before = browser.cookie;
    expect(await login(ADA)).toBe(204);
    expect(browser.cookie).not.toBe(before);
    expect(await me()).toEqual({ id: '1', name: 'ada' });
    const planter = new SiteBrowser(running.url);
    planter.cookie = before;
    expect(await me(planter)).toBe(401);
  });

  it.each([
    ['a wrong password', { ...ADA, password: 'x' }],
    ['an unknown user', { username: 'x', password: 'x' }],
    ['no password', { username: 'ada' }],
    ['nothing', {}],
    ['what is no text', { username: { a: 1 }, password: ['x'] }],
  ])('refuses %s with 401', async (_what, body) => {
    expect(await login(body)).toBe(401);
    expect(await me()).toBe(401);
  });

  it('logs another user in to a session of their own', async () => {
    await login(ADA);
    const adas = new SiteBrowser(running.url);
    adas.cookie = browser.cookie;
    expect(await login(EVE)).toBe(204);
    expect(await me()).toEqual({ id: '2', name: 'eve' });
    expect(await me(adas)).toBe(401);
  });

  it('logs out', async () => {
    await login(ADA);
    const stolen = new SiteBrowser(running.url);
    stolen.cookie = browser.cookie;
    expect((await browser.go('/logout', { method: 'POST' })).status).toBe(204);
    expect([await me(), await me(stolen)]).toEqual([401, 401]);
  });
});
