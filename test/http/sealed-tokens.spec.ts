import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get } from '@nestjs/common';
import { CurrentSession, type Session } from 'nest-sessions';
import { ADAPTERS, type RunningApp, startApp } from '../support/http-app.js';

const [OLD, NEW] = [1, 2].map(() => randomBytes(32).toString('base64')) as [string, string];

@Controller()
class WhoController {
  @Get()
  who(@CurrentSession() session: Session): { id: string } {
    return { id: session.id };
  }
}

describe.each(ADAPTERS)('Sealed tokens on %s', (adapter) => {
  let storagePath: string;
  const apps: RunningApp[] = [];

  beforeEach(async () => {
    storagePath = await mkdtemp(join(tmpdir(), 'nest-sessions-keys-'));
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    await rm(storagePath, { recursive: true, force: true });
  });

  async function start(keys: string[]): Promise<RunningApp> {
    const app = await startApp(adapter, { controllers: [WhoController], options: { storagePath, keys } });
    apps.push(app);
    return app;
  }

  async function ask(app: RunningApp, cookie?: string) {
    const response = await fetch(app.url, { headers: cookie === undefined ? {} : { cookie } });
    return {
      status: response.status,
      body: (await response.json()) as { id?: string; code?: string },
      cookie: response.headers.get('set-cookie')?.split(';')[0],
      retryAfter: response.headers.get('retry-after'),
    };
  }

  it('are in the cookie, and come back', async () => {
    const app = await start([OLD]);
    const first = await ask(app);
    expect(first.cookie).toMatch(/^sid=v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]{102}$/);
    expect(await ask(app, first.cookie)).toMatchObject({ status: 200, body: first.body, cookie: undefined });
  });

  it('of a key that another server alone has are answered with 503, and keep the cookie', async () => {
    const first = await start([OLD]);
    const { body, cookie } = await ask(first);
    const both = await start([NEW, OLD]);
    await first.close();
    apps.splice(0, 1);
    const without = await start([NEW]);
    expect(await ask(without, cookie)).toEqual({
      status: 503,
      body: expect.objectContaining({ code: 'TOKEN_KEY_MISSING' }),
      cookie: undefined,
      retryAfter: '2',
    });
    expect(await ask(both, cookie)).toMatchObject({ status: 200, body });
  });
});
