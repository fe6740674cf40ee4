import { randomUUID } from 'node:crypto';
import { Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { CurrentSession, SessionService, type Session } from 'nest-sessions';
import { ManualClock } from 'nest-sessions/testing';
import { ADAPTERS, startApp, type RunningApp } from '../support/http-app.js';
import { modulesOfPage, type PageModules } from '../support/page-modules.js';
import { SiteBrowser } from './site-browser.js';

interface Device {
  readonly id: string;
  readonly browser: string;
  readonly lastActivity: string;
  readonly isThisOne: boolean;
}

@Controller()
class LoginController {
  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Get('who')
  who(@CurrentSession() { id, userId }: Session) {
    return { id, userId };
  }

  @Post('login/:user')
  @HttpCode(200)
  async login(@CurrentSession() session: Session, @Param('user') user: string) {
    await this.sessions.login(session, user);
    return { id: session.id };
  }
}

describe.each(ADAPTERS)('The recipe of a page with the user’s devices, on %s,', (adapter) => {
  let page: PageModules;
  let running: RunningApp;
  let clock: ManualClock;

  beforeAll(() => (page = modulesOfPage('docs/recipes.md')));
  afterAll(() => page.remove());
  beforeEach(async () => {
    clock = new ManualClock();
    const DevicesController = page.classOf('devices.controller.ts', 'DevicesController');
    running = await startApp(adapter, {
      controllers: [LoginController, DevicesController],
      trustProxy: 'loopback',
      options: { store: 'memory', cleanupIntervalSeconds: 86_400, adapters: { clock } },
    });
  });
  afterEach(() => running.close());

  const device = async (user: string, agent: string): Promise<{ browser: SiteBrowser; id: string }> => {
    const browser = new SiteBrowser(running.url, agent);
    const { id } = await browser.json<{ id: string }>(`/login/${user}`, { method: 'POST' });
    clock.advance(1000);
    return { browser, id };
  };
  const end = async (browser: SiteBrowser, id: string): Promise<number> =>
    (await browser.go(`/devices/${id}`, { method: 'DELETE' })).status;
  const userOf = async (browser: SiteBrowser): Promise<string | null> =>
    (await browser.json<{ userId: string | null }>('/who')).userId;

  it('lists the sessions of the user with browser and last activity, the latest first', async () => {
    const phone = await device('ada', 'phone');
    const laptop = await device('ada', 'laptop');
    await device('eve', 'tablet');
    clock.advance(120_000);
    const at = clock.now();
    await phone.browser.go('/who');
    clock.advance(5000);
    const list = await laptop.browser.json<Device[]>('/devices');
    expect(list.map(({ id, browser, isThisOne }) => [id, browser, isThisOne])).toEqual([
      [laptop.id, 'laptop', true],
      [phone.id, 'phone', false],
    ]);
    expect(list.map(({ lastActivity }) => Date.parse(lastActivity))).toEqual([at + 5000, at]);
  });

  it('ends one of them, at once', async () => {
    const phone = await device('ada', 'phone');
    const laptop = await device('ada', 'laptop');
    expect([await end(laptop.browser, phone.id), await end(laptop.browser, phone.id)]).toEqual([204, 404]);
    expect([await userOf(phone.browser), await userOf(laptop.browser)]).toEqual([null, 'ada']);
    expect(await laptop.browser.json<Device[]>('/devices')).toHaveLength(1);
  });

  it('ends this one: the next request begins a session without a user', async () => {
    const { browser, id } = await device('ada', 'phone');
    expect(await end(browser, id)).toBe(204);
    expect(await userOf(browser)).toBeNull();
  });

  it('does not find a session of another user, of nobody, or none', async () => {
    const { browser } = await device('ada', 'phone');
    const eve = await device('eve', 'tablet');
    const guest = new SiteBrowser(running.url, 'guest');
    const { id: nobodys } = await guest.json<{ id: string }>('/who');
    for (const id of [eve.id, nobodys, randomUUID(), 'no-id', eve.id.toUpperCase(), '%00']) {
      expect([id, await end(browser, id)]).toEqual([id, 404]);
    }
    expect([await userOf(eve.browser), (await guest.json<{ id: string }>('/who')).id]).toEqual([
      'eve',
      nobodys,
    ]);
  });

  it('ends all others', async () => {
    const devices = [
      await device('ada', 'phone'),
      await device('ada', 'tablet'),
      await device('ada', 'laptop'),
    ];
    const eve = await device('eve', 'tablet');
    const [phone] = devices;
    expect(await phone!.browser.json('/devices', { method: 'DELETE' })).toEqual({ ended: 2 });
    const users = await Promise.all([...devices, eve].map(({ browser }) => userOf(browser)));
    expect(users).toEqual(['ada', null, null, 'eve']);
  });

  it('is nothing for who is not logged in', async () => {
    const guest = new SiteBrowser(running.url, 'guest');
    const { id } = await guest.json<{ id: string }>('/who');
    const answers = [
      (await guest.go('/devices')).status,
      await end(guest, id),
      (await guest.go('/devices', { method: 'DELETE' })).status,
    ];
    expect(answers).toEqual([401, 401, 401]);
  });
});
