import {
  Controller,
  Get,
  Inject,
  Injectable,
  Logger,
  Post,
  Put,
  Sse,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import {
  AllowCrossSite,
  CurrentSession,
  SessionResolver,
  type SessionsModuleOptions,
  type Session,
} from 'nest-sessions';
import { EMPTY } from 'rxjs';
import { ADAPTERS } from '../support/http-app.js';
import { startSessionApp, type SessionApp, type Visitor } from './session-app.js';
import { CROSS_SITE_REQUESTS, HOST, LISTED } from '../support/cross-site-requests.js';

/** Asks for the session without saying for which handler. */
@Injectable()
class EarlyGuard implements CanActivate {
  constructor(@Inject(SessionResolver) private readonly resolver: SessionResolver) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    return (await this.resolver.resolve(http.getRequest(), http.getResponse())).session !== null;
  }
}

@AllowCrossSite()
@Controller('return')
class ReturnController {
  @Post('saml')
  saml(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @Sse('events')
  events() {
    return EMPTY;
  }
}

@Controller('one')
class OneController {
  @AllowCrossSite()
  @Post('open')
  open(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @Put('closed')
  put() {
    return {};
  }

  @UseGuards(EarlyGuard)
  @Post('guarded')
  guarded() {
    return {};
  }

  @Post('closed')
  closed(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @Get('read')
  read(@CurrentSession() session: Session) {
    return { id: session.id };
  }
}

type Options = Omit<SessionsModuleOptions, 'adapters'>;

describe.each(ADAPTERS)('A request that a page of another site sends, on %s,', (adapter) => {
  let warn: jest.SpiedFunction<Logger['warn']>;
  beforeEach(() => {
    warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  });
  afterEach(() => warn.mockRestore());
  const warnings = (): string[] => warn.mock.calls.map(([message]) => String(message));

  const withApp = async (
    use: (app: SessionApp, visitor: Visitor, told: string[]) => Promise<void>,
    options: Options = {},
  ): Promise<void> => {
    const app = await startSessionApp(
      adapter,
      { allowedOrigins: LISTED, ...options },
      { controllers: [ReturnController, OneController], trustProxy: 'loopback' },
    );
    const told: string[] = [];
    app.service.events.on('session.refused', ({ reason }) => told.push(reason));
    try {
      await use(app, await app.visitor({ 'user-agent': 'test', host: HOST }), told);
    } finally {
      await app.close();
    }
  };
  const FOREIGN = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };

  it('is refused or served by one table', () =>
    withApp(async (app, visitor, told) => {
      let refused = 0;
      for (const [name, method, headers, isServed] of CROSS_SITE_REQUESTS) {
        const path = method === 'GET' || method === 'HEAD' ? '/one/read' : '/one/closed';
        const answer = await app.request(path, { method, headers: { ...visitor.headers, ...headers } });
        const status = method === 'POST' ? 201 : 200;
        expect([name, answer.status]).toEqual([name, isServed ? status : 403]);
        if (isServed) continue;
        refused += 1;
        expect(JSON.parse(answer.text)).toMatchObject({ statusCode: 403, code: 'CROSS_SITE_REFUSED' });
      }
      expect(told).toEqual(Array.from({ length: refused }, () => 'cross_site'));
      expect(refused).toBeGreaterThan(8);
    }));

  it('is no activity of the session, and changes nothing', () =>
    withApp(async (app, visitor) => {
      const before = await app.service.describe({ id: visitor.id });
      app.clock.advance(1000);
      for (const path of ['/regenerate', '/login/eve']) {
        const answer = await app.request(path, {
          method: 'POST',
          headers: { ...visitor.headers, ...FOREIGN },
        });
        expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined]);
      }
      expect(await app.service.describe({ id: visitor.id })).toEqual(before);
    }));

  it('is served without a session cookie, as nothing is done in a user’s name', () =>
    withApp(async (app) => {
      for (const cookie of [undefined, 'theme=dark', 'mysid=x']) {
        const headers = { 'user-agent': 'test', host: HOST, ...FOREIGN, ...(cookie && { cookie }) };
        expect((await app.request('/one/closed', { method: 'POST', headers })).status).toBe(201);
      }
    }));

  it('is refused with any session cookie, also the second or a dead one', () =>
    withApp(async (app) => {
      for (const cookie of ['sid=dead', 'sid-2=dead', 'a=b; sid-2=dead']) {
        const headers = { 'user-agent': 'test', host: HOST, ...FOREIGN, cookie };
        expect((await app.request('/one/closed', { method: 'POST', headers })).status).toBe(403);
      }
    }));

  it('is refused an event stream, which a page of its own and a listed one get', () =>
    withApp(async (app, visitor) => {
      const listen = async (headers: Record<string, string>): Promise<number> => {
        const abort = new AbortController();
        const response = await fetch(`${app.url}/events`, {
          headers: { cookie: visitor.cookie, 'user-agent': 'test', ...headers },
          signal: abort.signal,
        });
        abort.abort();
        return response.status;
      };
      expect(await listen({ 'sec-fetch-site': 'same-origin' })).toBe(200);
      expect(await listen({})).toBe(200);
      expect(await listen({ 'sec-fetch-site': 'same-site', origin: LISTED[0]! })).toBe(200);
      expect(await listen({ 'sec-fetch-site': 'same-site', origin: 'https://blog.example.com' })).toBe(403);
      expect(await listen({ origin: 'https://evil.example' })).toBe(403);
    }));

  it('is served by a handler or controller that allows it, and by no other', () =>
    withApp(async (app, visitor) => {
      const headers = { ...visitor.headers, ...FOREIGN };
      const status = async (path: string, method = 'POST'): Promise<number> =>
        (await app.request(path, { method, headers })).status;
      expect(await status('/return/saml')).toBe(201);
      expect(await status('/return/events', 'GET')).toBe(200);
      expect(await status('/one/open')).toBe(201);
      expect(await status('/one/closed')).toBe(403);
    }));

  it('is refused also where a guard asks for the session first', () =>
    withApp(async (app, visitor) => {
      const headers = { ...visitor.headers, ...FOREIGN };
      expect((await app.request('/one/guarded', { method: 'POST', headers })).status).toBe(403);
    }));

  it("is served everywhere with crossSite: 'allow'", () =>
    withApp(
      async (app, visitor, told) => {
        const headers = { ...visitor.headers, ...FOREIGN };
        expect((await app.request('/one/closed', { method: 'POST', headers })).status).toBe(201);
        expect(told).toEqual([]);
      },
      { crossSite: 'allow' },
    ));

  it('is logged once a minute, with both origins and the options, on one line', () =>
    withApp(async (app, visitor) => {
      const send = (origin: string) =>
        app.request('/one/closed', { method: 'POST', headers: { ...visitor.headers, origin } });
      await send('https://evil.example');
      await send('https://evil2.example');
      const lines = (): string[] => warnings().filter((line) => line.includes('403'));
      expect(lines()).toEqual([
        expect.stringMatching(
          /^A POST request of a page of https:\/\/evil\.example to app\.example\.com:8443 was refused.*SESSION_ALLOWED_ORIGINS.*@AllowCrossSite\(\).*SESSION_CROSS_SITE/,
        ),
      ]);
      app.clock.advance(60_000);
      await send(`https://${'e'.repeat(5000)}`);
      expect(lines()).toHaveLength(2);
      expect(lines()[1]!.length).toBeLessThan(1000);
    }));
});
