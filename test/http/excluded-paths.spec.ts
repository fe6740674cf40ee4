import { Controller, Get, Inject, Post, Req, Res, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { CurrentSession, SessionResolver, type Session, type SessionsModuleOptions } from 'nest-sessions';
import { ExcludedPaths } from '#sessions/http/excluded-paths';
import { ADAPTERS } from '../support/http-app.js';
import { cookieOf, idIn, ourCookies, startSessionApp, type SessionApp } from './session-app.js';

type Request = Parameters<SessionResolver['resolve']>[0];

@Controller()
class AnyController {
  constructor(@Inject(SessionResolver) private readonly resolver: SessionResolver) {}

  @Get('assets/mine')
  mine(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @Get('assets/resolved')
  async resolved(@Req() request: Request, @Res({ passthrough: true }) response: object) {
    return { id: (await this.resolver.resolve(request, response)).session?.id ?? null };
  }

  @Post('assets/posted')
  posted(@CurrentSession({ optional: true }) session: Session | null) {
    return { id: session?.id ?? null };
  }

  @Get('*')
  any(@CurrentSession({ optional: true }) session: Session | null) {
    return { id: session?.id ?? null };
  }
}

/** Spellings of a path, and whether the request has no session. The frameworks differ in case and decoding. */
const SPELLINGS: readonly (readonly [path: string, express: boolean, fastify: boolean])[] = [
  ['/assets', true, true],
  ['/assets/', true, true],
  ['/assets/x/y.js', true, true],
  ['/assets?v=1', true, true],
  ['/assets/x?next=/session', true, true],
  ['/deep/er', true, true],
  ['/deep/er/x', true, true],
  ['/donn%C3%A9es/x', true, true],
  ['/two%20words/x', true, true],
  ['/assets2', false, false],
  ['/assets-2/x', false, false],
  ['/asset', false, false],
  ['/deep', false, false],
  ['/deep/erx', false, false],
  ['/x/assets', false, false],
  ['/x?path=/assets', false, false],
  ['/assets%2Fx', false, false],
  ['//assets/x', false, false],
  ['/ASSETS/x', true, false],
  ['/%61ssets/x', false, true],
];

describe.each(ADAPTERS)('The option exclude on %s', (adapter) => {
  let app: SessionApp;
  const start = async (
    options: Omit<SessionsModuleOptions, 'adapters'> = {},
    configure: (nest: INestApplication) => unknown = () => {},
  ): Promise<void> => {
    const exclude = ['/assets', '/deep/er/', '/données', '/two words'];
    app = await startSessionApp(
      adapter,
      { openRate: 0, maxUnconfirmedPerNetwork: 0, exclude, ...options },
      { controllers: [AnyController], configure },
    );
  };
  afterEach(() => app.close());

  it.each(SPELLINGS)('%s', async (path, express, fastify) => {
    await start();
    const response = await app.request(path);
    expect(response.status).toBe(200);
    const isExcluded = adapter === 'fastify' ? fastify : express;
    expect(ourCookies(response)).toHaveLength(isExcluded ? 0 : 1);
    expect((await app.service.totals()).created).toBe(isExcluded ? 0 : 1);
  });

  it('reads and touches no live session, whatever asks for it', async () => {
    await start();
    const visitor = await app.visitor();
    for (const path of ['/assets/x', '/assets/resolved']) {
      const response = await app.request(path, { headers: visitor.headers });
      expect(JSON.parse(response.text)).toEqual({ id: null });
      expect(response.headers).not.toHaveProperty('set-cookie');
    }
    const refused = await app.request('/assets/mine', { headers: visitor.headers });
    expect(refused.status).toBe(401);
    expect(refused.text).toContain('the option exclude');
    expect(await app.service.describe(visitor)).toMatchObject({ requestCount: 1 });
  });

  it('admits pages of other sites, which act for no session there', async () => {
    await start();
    const visitor = await app.visitor();
    const headers = { ...visitor.headers, origin: 'https://elsewhere.example' };
    const response = await app.request('/assets/posted', { method: 'POST', headers });
    expect(response.status).toBe(201);
    expect(idIn(response)).toBeNull();
  });

  it('counts for middleware that asks for the session, and for paths that it has rewritten', async () => {
    const resolveAll = (nest: INestApplication): void => {
      const resolver = nest.get(SessionResolver);
      nest.use('/assets', (request: Request, response: object, next: (error?: unknown) => void) => {
        resolver.resolve(request, response).then(() => next(), next);
      });
    };
    await start({}, resolveAll);
    expect(ourCookies(await app.request('/assets/x'))).toEqual([]);
  });

  it('names the global prefix', async () => {
    await start({ exclude: ['/api/assets'] }, (nest) => nest.setGlobalPrefix('api'));
    expect(ourCookies(await app.request('/api/assets/x'))).toEqual([]);
    expect(ourCookies(await app.request('/api/other/assets/x'))).toHaveLength(1);
    await app.close();
    await start({ exclude: ['/assets'] }, (nest) => nest.setGlobalPrefix('api'));
    const response = await app.request('/api/assets/x');
    expect(cookieOf(response)).not.toBe('');
  });
});

describe('An excluded path is compared as the application has set its framework', () => {
  const inExpress = (settings: readonly string[], target: string): boolean => {
    const adapter = new ExpressAdapter();
    for (const setting of settings) adapter.set(setting, true);
    const excluded = new ExcludedPaths(['/assets'], { httpAdapter: adapter });
    const request = { headers: {}, baseUrl: '', url: target };
    return excluded.has(request);
  };
  const inFastify = (routerOptions: object, target: string): boolean => {
    const excluded = new ExcludedPaths(['/Assets'], { httpAdapter: new FastifyAdapter({ routerOptions }) });
    return excluded.has({ headers: {}, raw: { url: target } as never });
  };

  it.each([
    [[], '/ASSETS/x', true],
    [['case sensitive routing'], '/ASSETS/x', false],
    [['case sensitive routing'], '/assets/x', true],
    [[], 'http://localhost/assets/x', true],
    [[], '/assets#x', true],
  ])('Express %j: %s', (settings, target, isExcluded) => {
    expect(inExpress(settings, target)).toBe(isExcluded);
  });

  it.each([
    [{}, '/assets/x', false],
    [{ caseSensitive: false }, '/assets/x', true],
    [{}, '//Assets//x', false],
    [{ ignoreDuplicateSlashes: true }, '//Assets//x', true],
    [{}, '/Assets;x', false],
    [{ useSemicolonDelimiter: true }, '/Assets;x', true],
    [{}, 'http://localhost/Assets/x', true],
    [{}, '/Assets/%zz', true],
    [{}, '/%zz', false],
    [{}, '/Assets%252Fx', false],
  ])('Fastify %j: %s', (routerOptions, target, isExcluded) => {
    expect(inFastify(routerOptions, target)).toBe(isExcluded);
  });

  it('by a path that middleware has rewritten, and with the prefix that a router is mounted at', () => {
    const excluded = new ExcludedPaths(['/mounted/assets'], { httpAdapter: new ExpressAdapter() });
    const request = { headers: {}, originalUrl: '/old', baseUrl: '/mounted', url: '/assets/x' };
    expect(excluded.has(request)).toBe(true);
  });
});
