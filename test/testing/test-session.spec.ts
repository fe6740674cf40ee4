import { Controller, Get, Module, Post, type INestApplication } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { pipeline } from 'node:stream/promises';
import {
  CurrentSession,
  SessionService,
  SessionsModule,
  type Session,
  type SessionsModuleOptions,
} from 'nest-sessions';
import { inMemoryAdapters, runCleanup, testSession, type InMemoryAdapters } from 'nest-sessions/testing';
import { ADAPTERS } from '../support/http-app.js';

const MINUTE = 60_000;
const KEY = Buffer.alloc(32, 'a key for tests').toString('base64');

@Controller()
class WhoController {
  @Get()
  who(@CurrentSession() session: Session) {
    return { id: session.id, user: session.userId };
  }

  @Post('notice')
  async note(@CurrentSession() session: Session) {
    await session.set('notice', 'noted');
  }
}

@Module({ controllers: [WhoController] })
class WhoModule {}

let adapters: InMemoryAdapters;

function compile(options: Omit<SessionsModuleOptions, 'adapters'> = {}): Promise<TestingModule> {
  adapters = inMemoryAdapters();
  return Test.createTestingModule({
    imports: [SessionsModule.forRoot({ ...options, adapters }), WhoModule],
  }).compile();
}

async function addFile(service: SessionService, session: Session): Promise<string> {
  const sink = await service.createFile(session, { type: 'temp_file' });
  await pipeline([Buffer.from('hello')], sink);
  return sink.resource.id;
}

describe('testSession() in a unit test', () => {
  let module: TestingModule;
  let service: SessionService;
  const start = async (options?: Omit<SessionsModuleOptions, 'adapters'>): Promise<void> => {
    module = await compile(options);
    service = module.get(SessionService);
  };
  beforeEach(() => start());
  afterEach(() => module.close());

  it('gives a live session, which idles out as one whose client is back', async () => {
    const { session } = await testSession(module);
    adapters.clock.advance(15 * MINUTE - 1);
    expect(await service.describe(session)).toMatchObject({ id: session.id, userId: null });
    adapters.clock.advance(1);
    expect(await service.describe(session)).toBeNull();
  });

  it('gives one of a user, and follows later logins', async () => {
    const client = await testSession(module, { userId: 'ada', ipAddress: '192.0.2.7', userAgent: 'curl/8' });
    expect(client.session.userId).toBe('ada');
    expect(await service.listByUser('ada')).toMatchObject([{ ipAddress: '192.0.2.7', userAgent: 'curl/8' }]);
    const before = client.token;
    await service.regenerate(client.session);
    expect(client.token).not.toBe(before);
    expect(client.headers).toEqual({ cookie: `sid=${client.token}`, 'user-agent': 'curl/8' });
    expect(client.cookie).toBe(`sid=${client.token}`);
  });

  it('ends it for every read at its end, without a cleanup', async () => {
    const { session } = await testSession(module, { userId: 'ada' });
    await session.set('notice', 'kept');
    const id = await addFile(service, session);
    const file = await service.findResource(session, id);
    adapters.clock.advance(15 * MINUTE);
    const byId = { id: session.id };
    expect(await service.describe(byId)).toBeNull();
    expect(await service.list({ limit: 10, sort: 'created_at' })).toEqual([]);
    expect(await service.listByUser('ada')).toEqual([]);
    expect(await service.findResource(byId, id)).toBeNull();
    await expect(service.openResource(file!)).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
    await expect(service.get(byId, 'notice')).rejects.toMatchObject({ code: 'SESSION_GONE' });
    await expect(session.get('notice')).rejects.toMatchObject({ code: 'SESSION_GONE' });
  });

  it('leaves the files of an ended session to runCleanup()', async () => {
    const ended: string[] = [];
    service.events.on('session.ended', ({ reason }) => void ended.push(reason));
    const { session } = await testSession(module, { userId: 'ada' });
    await addFile(service, session);
    adapters.clock.advance(60 * MINUTE);
    const reports = await runCleanup(module);
    expect(reports.map(({ job, failures }) => [job, failures])).toEqual([
      ['idle', 0],
      ['expired', 0],
      ['orphans', 0],
    ]);
    expect(ended).toHaveLength(1);
    const { open, ending, types } = await service.totals();
    expect([open, ending]).toEqual([0, 0]);
    expect(types.find(({ type }) => type === 'temp_file')).toMatchObject({
      active: 0,
      released: 1,
      releasedBytes: 5,
    });
  });

  it('opens as many as a test wants, unless it sets the limits itself', async () => {
    for (let count = 0; count < 1300; count += 1) {
      const opening = await service.open({ ipAddress: '192.0.2.1', userAgent: 'test' });
      expect(opening.kind).toBe('opened');
    }
    await module.close();
    await start({ openRate: 2 });
    await testSession(module);
    await testSession(module);
    await expect(testSession(module)).rejects.toMatchObject({ code: 'SESSION_RATE_LIMITED' });
  });
});

describe.each(ADAPTERS)('testSession() in an e2e test on %s', (adapter) => {
  let app: INestApplication;
  const start = async (options: Omit<SessionsModuleOptions, 'adapters'> = {}): Promise<void> => {
    const module = await compile(options);
    app = module.createNestApplication(adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter());
    await app.listen(0, '127.0.0.1');
  };
  afterEach(() => app.close());

  const get = async (headers: Record<string, string>): Promise<Response> =>
    fetch(await app.getUrl(), { headers });

  it.each([
    ['cookie', {}],
    ['sealed cookie', { keys: [KEY] }],
    ['bearer token', { tokenIn: 'header' as const }],
    ['sealed bearer token', { tokenIn: 'header' as const, keys: [KEY] }],
    ['cookie beside bearer tokens', { tokenIn: 'both' as const }],
  ])('its headers present it, by a %s', async (_how, options) => {
    await start(options);
    const { session, headers } = await testSession(app, { userId: 'ada' });
    const response = await get(headers);
    expect(await response.json()).toEqual({ id: session.id, user: 'ada' });
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(response.headers.get('x-session-token')).toBeNull();
  });

  it('sees what requests have written', async () => {
    await start();
    const { session, headers } = await testSession(app);
    expect(await session.get('notice')).toBeUndefined();
    await fetch(`${await app.getUrl()}/notice`, { method: 'POST', headers });
    expect(await session.get('notice')).toBe('noted');
  });

  it('is over for a request at its end', async () => {
    await start();
    const { session, headers } = await testSession(app);
    adapters.clock.advance(60 * MINUTE);
    const { id } = (await (await get(headers)).json()) as { id: string };
    expect(id).not.toBe(session.id);
  });

  it('has the name of the cookie on a secure connection', async () => {
    await start({ cookieName: 'who' });
    const { cookie, token } = await testSession(app, { isSecure: true });
    expect(cookie).toBe(`__Host-who=${token}`);
  });
});
