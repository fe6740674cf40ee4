import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Module } from '@nestjs/common';
import { Cleanup, SessionService, type SessionsModuleOptions } from 'nest-sessions';
import { ManualClock } from 'nest-sessions/testing';
import { EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { requestVerbatim, type VerbatimRequest } from '../support/verbatim-request.js';
import { cookieOf, idIn, ourCookies } from './session-app.js';
import { PUBLIC_PATHS, PublicController, rawGet, serveStatic, UseController } from './on-demand-app.js';

const MINUTE = 60_000;
const AGENT = { 'user-agent': 'test' };

describe.each(ADAPTERS)("With openOn: 'use' on %s", (adapter) => {
  let running: RunningApp;
  let clock: ManualClock;
  let service: SessionService;
  let controller: UseController;

  const start = async (options: Omit<SessionsModuleOptions, 'adapters'> = {}): Promise<void> => {
    clock = new ManualClock();
    running = await startApp(adapter, {
      controllers: [PublicController, UseController],
      configure: serveStatic,
      options: {
        store: 'memory',
        cleanupIntervalSeconds: 86_400,
        openOn: 'use',
        ...options,
        adapters: { clock },
      },
    });
    service = running.app.get(SessionService);
    controller = running.app.get(UseController);
  };
  beforeEach(() => start());
  afterEach(() => running.close());

  const get = (path: string, init: VerbatimRequest = {}) =>
    requestVerbatim(running.url, path, { ...init, headers: { ...AGENT, ...init.headers } });
  const visitor = async () => {
    const response = await get('/use/session');
    return { id: idIn(response), headers: { ...AGENT, cookie: cookieOf(response) } };
  };
  const created = async (): Promise<number> => (await service.totals()).created;
  const listen = async (path: string, headers: Record<string, string> = {}): Promise<EventStream> =>
    new EventStream(await fetch(`${running.url}${path}`, { headers: { ...AGENT, ...headers } }));

  it('100 requests of 100 clients leave no row and no header, byte for byte as without the module', async () => {
    const plain = await startPlain(adapter);
    try {
      const expected = await Promise.all(PUBLIC_PATHS.map((path) => rawGet(plain.url, path)));
      expect(expected[0]).toMatch(/^HTTP\/1.1 200 OK\r\n/);
      expect(expected[0]).toMatch(/\r\ncache-control: public, max-age=600\r\n/i);
      const clients = Array.from({ length: 100 }, (_, index) => `127.0.1.${index + 1}`);
      const answers = await Promise.all(
        clients.map((from, index) => rawGet(running.url, PUBLIC_PATHS[index % PUBLIC_PATHS.length]!, from)),
      );
      for (const [index, answer] of answers.entries()) {
        expect(answer).toBe(expected[index % PUBLIC_PATHS.length]);
      }
    } finally {
      await plain.close();
    }
    expect(await created()).toBe(0);
    expect(await service.list({ limit: 10, sort: 'created_at' })).toEqual([]);
  });

  it.each([
    '/use/session',
    '/use/data',
    '/use/several',
    '/use/resolver',
    '/use/guard',
    '/use/download/00000000-0000-4000-8000-000000000000',
  ])('%s uses the session: one is opened, with one cookie', async (path) => {
    const response = await get(path);
    expect(ourCookies(response)).toHaveLength(1);
    expect(response.headers).toMatchObject({ 'cache-control': 'no-store', vary: 'Cookie' });
    expect(await created()).toBe(1);
    const next = await get('/use/optional', { headers: { cookie: cookieOf(response) } });
    const id = idIn(next);
    expect(await service.describe({ id })).toMatchObject({ requestCount: 2 });
  });

  it('several uses of one request, at the same time too, get one session', async () => {
    const several = JSON.parse((await get('/use/several')).text) as { id: string; ids: string[] };
    expect(several).toEqual({ id: several.id, ids: [several.id, several.id], other: true });
    expect(JSON.parse((await get('/use/resolver')).text)).toMatchObject({ same: true });
    expect(await created()).toBe(2);
  });

  it('an upload opens the session that gets its files', async () => {
    const form = new FormData();
    form.set('file', new Blob(['hello']), 'hello.txt');
    const response = await fetch(`${running.url}/use/upload`, { method: 'POST', headers: AGENT, body: form });
    expect(response.status).toBe(201);
    const { id } = (await response.json()) as { id: string };
    const cookie = response.headers.getSetCookie()[0]!.split(';')[0]!;
    const resources = (await service.describe({ id }))?.resources ?? [];
    expect(resources).toHaveLength(1);
    const file = await get(`/use/download/${resources[0]!.id}`, { headers: { cookie } });
    expect(file.text).toBe('hello');
    expect(await created()).toBe(1);
  });

  it.each(['/use/optional', '/use/passive', '/use/members'])('%s only looks', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(path === '/use/members' ? 401 : 200);
    expect(response.headers['set-cookie']).toBeUndefined();
    expect(await created()).toBe(0);
    const { id, headers } = await visitor();
    expect(idIn(await get(path, { headers }))).toBe(id);
  });

  it('touches a live session with every request, and sets no cookie again', async () => {
    const { id, headers } = await visitor();
    for (const [index, path] of ['/public/page', '/public/json', '/public/stream'].entries()) {
      // The first one confirms it.
      clock.advance(index === 0 ? MINUTE / 2 : 14 * MINUTE);
      const response = await get(path, { headers });
      expect(response.headers['set-cookie']).toBeUndefined();
      expect(await service.describe({ id })).toMatchObject({
        requestCount: index + 2,
        lastActivityAt: clock.now(),
      });
    }
    const page = await get('/public/page', { headers });
    expect(page.headers).toMatchObject({ 'cache-control': 'public, max-age=600', vary: 'Accept-Language' });
  });

  it('lets a page be whose client presents an ended session, and opens one where it is used', async () => {
    const { id, headers } = await visitor();
    await service.end({ id });
    const page = await get('/public/page', { headers });
    expect(page.headers['set-cookie']).toBeUndefined();
    expect(page.headers['cache-control']).toBe('public, max-age=600');
    const response = await get('/use/session', { headers });
    expect(idIn(response)).not.toBe(id);
    expect(ourCookies(response)).toHaveLength(1);
  });

  it('a session that a handler opens is held while its request is under way', async () => {
    const answer = get('/use/slow');
    await controller.arrived.promise;
    const cleanup = running.app.get(Cleanup);
    for (let count = 0; count < 4; count += 1) {
      clock.advance(50_000);
      await service.list({ limit: 1, sort: 'created_at' });
      await cleanup.run('idle');
    }
    controller.held.resolve();
    const id = idIn(await answer);
    expect(await service.describe({ id })).toMatchObject({ requestCount: 1 });
  });

  it('refuses with 429 at the use alone, where none can be opened', async () => {
    await running.close();
    await start({ openRate: 1 });
    await visitor();
    expect((await get('/public/page')).status).toBe(200);
    const refused = await get('/use/session');
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBeDefined();
    expect((await get('/use/optional')).status).toBe(200);
  });

  describe('a use after the headers', () => {
    it('is SESSION_TOO_LATE, and opens none', async () => {
      const response = await get('/use/late/caught');
      expect(response.text).toBe('begun, ended');
      expect(controller.codes).toEqual(['SESSION_TOO_LATE']);
      expect(await created()).toBe(0);
    });

    it('cuts off a response that has not ended, and leaves one that has', async () => {
      expect((await get('/use/late/ended')).text).toBe('begun, ended');
      await expect(get('/use/late/thrown')).rejects.toThrow(/aborted|hang up|reset/);
      expect(controller.codes).toEqual(['SESSION_TOO_LATE', 'SESSION_TOO_LATE']);
      expect(await created()).toBe(0);
    });

    it('leaves no session that nobody can reach, where the headers go out while it is being opened', async () => {
      const reasons: string[] = [];
      service.events.on('session.ended', ({ reason }) => void reasons.push(reason));
      const response = await get('/use/overtaken');
      expect(response.headers['set-cookie']).toBeUndefined();
      await eventually('the use has failed', async () => controller.codes.length === 1);
      expect(controller.codes).toEqual(['SESSION_TOO_LATE']);
      expect(await service.totals()).toMatchObject({ created: 1, open: 0 });
      expect(reasons).toEqual(['unconfirmed']);
    });

    it('in an event stream is too late as soon as its handler runs', async () => {
      const stream = await listen('/use/late-feed');
      expect(await stream.next()).toMatchObject({ data: { done: true } });
      expect(controller.codes).toEqual(['SESSION_TOO_LATE']);
      expect(await created()).toBe(0);
    });
  });

  describe('event streams', () => {
    const held = async (id: string) => (await service.describe({ id }))?.resources ?? [];

    it('of everybody open none, also when a browser reconnects', async () => {
      const asked: Record<string, string>[] = [{}, { 'last-event-id': '7' }];
      for (const headers of asked) {
        const stream = await listen('/use/feed', headers);
        expect(stream.response.headers.getSetCookie()).toEqual([]);
        await eventually('it is subscribed', async () => controller.messages.observed);
        controller.messages.next({ data: { news: 1 } });
        expect(await stream.next()).toMatchObject({ data: { news: 1 } });
        await stream.close();
        await eventually('it is gone', async () => !controller.messages.observed);
      }
      expect(await created()).toBe(0);
    });

    it('belong to the live session that a client presents, and end with it', async () => {
      const { id, headers } = await visitor();
      const stream = await listen('/use/feed', headers);
      expect(await held(id)).toMatchObject([{ type: 'stream' }]);
      await service.end({ id });
      expect(await stream.next()).toMatchObject({ event: 'session-ended' });
      expect((await get('/use/feed', { headers })).status).toBe(204);
    });

    it('that take the session open one before their headers, whatever wraps the handler', async () => {
      const stream = await listen('/use/mine');
      expect(stream.response.headers.getSetCookie()).toHaveLength(1);
      const event = await stream.next();
      expect(await held(String(event?.data['id']))).toMatchObject([{ type: 'stream' }]);
      await stream.close();
      expect((await get('/use/mine', { headers: { 'last-event-id': '0' } })).status).toBe(204);
      expect(await created()).toBe(1);
    });

    it('whose guard uses the session are its resources too', async () => {
      const stream = await listen('/use/guarded');
      expect(stream.response.headers.getSetCookie()).toHaveLength(1);
      const [session] = await service.list({ limit: 1, sort: 'created_at' });
      expect(session?.resources).toMatchObject([{ type: 'stream' }]);
      await service.end({ id: session!.id });
      expect(await stream.next()).toMatchObject({ event: 'session-ended' });
    });
  });
});

/** The public part of the same application, without the module. */
async function startPlain(adapter: AdapterName): Promise<{ url: string; close(): Promise<void> }> {
  @Module({ controllers: [PublicController] })
  class PlainModule {}
  const app = await NestFactory.create(
    PlainModule,
    adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(),
    { logger: false, abortOnError: false },
  );
  serveStatic(app);
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), close: () => app.close() };
}
