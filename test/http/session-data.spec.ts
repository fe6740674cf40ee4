import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Put,
  Query,
  Sse,
  type MessageEvent,
} from '@nestjs/common';
import { CurrentSession, SessionData, SessionService, SkipSession, type Session } from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import { concatMap, from, Subject, type Observable } from 'rxjs';
import { EventStream } from '../support/event-stream.js';
import { ADAPTERS } from '../support/http-app.js';
import type { VerbatimResponse } from '../support/verbatim-request.js';
import { startSessionApp, type SessionApp, type Visitor } from './session-app.js';

interface Basket {
  readonly items: readonly string[];
}

declare module 'nest-sessions' {
  interface SessionDataTypes {
    basket: Basket;
    notice: string;
    [page: `page ${string}`]: unknown;
  }
}

@Controller('data')
class DataController {
  readonly asked = new Subject<void>();

  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Get('basket')
  basket(@SessionData('basket') basket?: Basket, @SessionData('notice') notice?: string) {
    return { basket: basket ?? null, notice: notice ?? null };
  }

  @Post('basket/:item')
  @HttpCode(200)
  add(@CurrentSession() session: Session, @Param('item') item: string) {
    return session.update('basket', (basket = { items: [] }) => ({ items: [...basket.items, item] }));
  }

  @Get('untouched')
  untouched(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @Get('notice')
  async notice(@CurrentSession() session: Session) {
    return { notice: (await session.take('notice')) ?? null };
  }

  @Put('pages/:page')
  async write(
    @CurrentSession() session: Session,
    @Param('page') page: string,
    @Body() body: { key?: string; value?: unknown },
  ) {
    await session.set(`page ${body.key ?? page}`, body.value);
    return { ok: true };
  }

  @Delete('pages/:page')
  async remove(@CurrentSession() session: Session, @Param('page') page: string) {
    await session.remove(`page ${page}`);
    return { ok: true };
  }

  @Post('login/:user')
  @HttpCode(200)
  async login(
    @CurrentSession() session: Session,
    @Param('user') user: string,
    @Query('keep') keep: 'all' | 'files' | 'nothing',
  ) {
    await this.sessions.login(session, user, { keep });
    return { basket: (await session.get('basket')) ?? null };
  }

  @SkipSession()
  @Get('optional')
  optional(@SessionData('basket', { optional: true }) basket?: Basket) {
    return { basket: basket ?? null };
  }

  @SkipSession()
  @Get('required')
  required(@SessionData('basket') basket?: Basket) {
    return { basket: basket ?? null };
  }

  @Sse('stream')
  stream(@CurrentSession() session: Session): Observable<MessageEvent> {
    return this.asked.pipe(
      concatMap(() => from(session.get('notice'))),
      concatMap((notice) => [{ data: { notice: notice ?? null } }]),
    );
  }
}

describe.each(ADAPTERS)('The data of a session over HTTP on %s', (adapter) => {
  let app: SessionApp;
  let visitor: Visitor;
  beforeEach(async () => {
    app = await startSessionApp(adapter, { maxDataBytes: 1000 }, { controllers: [DataController] });
    visitor = await app.visitor();
  });
  afterEach(() => app.close());

  const send = (path: string, method = 'GET', body?: unknown): Promise<VerbatimResponse> =>
    app.request(path, {
      method,
      headers: {
        ...visitor.headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const json = async (path: string, method?: string): Promise<unknown> =>
    JSON.parse((await send(path, method)).text) as unknown;

  /** Names of the operations that `step` asks of the store. */
  async function callsOf(step: () => Promise<unknown>): Promise<string[]> {
    const calls: string[] = [];
    const { data, sessions } = app.app.get(SessionStore);
    const spies = [
      ...(['read', 'write'] as const).map((name) => [`data.${name}`, jest.spyOn(data, name)] as const),
      ...(['find', 'findByToken'] as const).map((name) => [name, jest.spyOn(sessions, name)] as const),
    ];
    await step();
    for (const [name, spy] of spies) {
      calls.push(...spy.mock.calls.map(() => name));
      spy.mockRestore();
    }
    return calls;
  }

  it('reaches handlers by @SessionData, and goes on from request to request', async () => {
    expect(await json('/data/basket')).toEqual({ basket: null, notice: null });
    expect(await json('/data/basket/tea', 'POST')).toEqual({ items: ['tea'] });
    expect(await json('/data/basket/milk', 'POST')).toEqual({ items: ['tea', 'milk'] });
    await app.service.set(visitor, 'notice', 'saved');
    expect(await json('/data/basket')).toEqual({ basket: { items: ['tea', 'milk'] }, notice: 'saved' });
    const other = await app.visitor();
    expect(await app.service.get(other, 'basket')).toBeUndefined();
  });

  it('costs a request that reads none nothing, and one that reads some one read', async () => {
    await send('/data/basket/tea', 'POST');
    expect(await callsOf(() => send('/data/untouched'))).toEqual([]);
    expect(await callsOf(() => send('/data/basket'))).toEqual(['data.read']);
    expect(await callsOf(() => send('/data/pages/one', 'PUT', { value: 1 }))).toEqual(['data.write']);
    expect(await callsOf(() => send('/data/basket/milk', 'POST'))).toEqual(['data.read', 'data.write']);
  });

  it('keeps all of ten keys that ten requests write at once, and each item that they add to one', async () => {
    const numbers = Array.from({ length: 10 }, (_, number) => number);
    await Promise.all(numbers.map((n) => send(`/data/pages/${n}`, 'PUT', { value: { n } })));
    const pages = await Promise.all(numbers.map((n) => app.service.get(visitor, `page ${n}`)));
    expect(pages).toEqual(numbers.map((n) => ({ n })));
    const answers = await Promise.all(numbers.map((n) => send(`/data/basket/${n}`, 'POST')));
    expect(answers.map(({ status }) => status)).toEqual(numbers.map(() => 200));
    const { items = [] } = (await app.service.get(visitor, 'basket')) ?? {};
    expect(items.toSorted()).toEqual(numbers.map(String));
  });

  it('is taken by one of ten requests', async () => {
    await app.service.set(visitor, 'notice', 'saved');
    const answers = await Promise.all(Array.from({ length: 10 }, () => json('/data/notice')));
    expect(answers.filter((answer) => (answer as { notice: unknown }).notice === 'saved')).toHaveLength(1);
    expect(await json('/data/notice')).toEqual({ notice: null });
  });

  it.each([
    [
      'a key that is too long',
      '/data/pages/one',
      { key: 'x'.repeat(130), value: 1 },
      400,
      'INVALID_ARGUMENT',
    ],
    ['a key with a control character', '/data/pages/%00', { value: 1 }, 400, 'INVALID_ARGUMENT'],
    ['no value', '/data/pages/one', {}, 400, 'INVALID_ARGUMENT'],
    ['a lone surrogate', '/data/pages/one', { value: '\uD83D' }, 400, 'INVALID_ARGUMENT'],
    ['too large a value', '/data/pages/one', { value: 'x'.repeat(1000) }, 413, 'DATA_TOO_LARGE'],
  ])(
    'answers %s with the status of the client, and writes nothing',
    async (_what, path, body, status, code) => {
      const response = await send(path, 'PUT', body);
      expect([response.status, JSON.parse(response.text)]).toMatchObject([status, { code }]);
      expect((await app.service.describe(visitor))?.dataBytes).toBe(0);
    },
  );

  it('refuses a handler without a session, or passes undefined if that is allowed', async () => {
    expect((await send('/data/required')).status).toBe(401);
    expect(await json('/data/optional')).toEqual({ basket: null });
  });

  it.each([
    ['all', { items: ['tea'] }],
    ['files', null],
    ['nothing', null],
  ])('is there after a login with keep: %s, or not', async (keep, basket) => {
    await send('/data/basket/tea', 'POST');
    const response = await send(`/data/login/ada?keep=${keep}`, 'POST');
    expect(JSON.parse(response.text)).toEqual({ basket });
    expect((await app.service.get(visitor, 'basket')) ?? null).toEqual(basket);
    // The old token reads nothing any more.
    const { status, text } = await send('/data/basket');
    expect([status, JSON.parse(text)]).toMatchObject([409, { code: 'SESSION_STALE' }]);
  });

  it('is gone with its session', async () => {
    await send('/data/basket/tea', 'POST');
    await send('/session', 'DELETE');
    await expect(app.service.get(visitor, 'basket')).rejects.toMatchObject({ code: 'SESSION_GONE' });
    expect(await json('/data/basket')).toEqual({ basket: null, notice: null });
  });

  it('is read anew by an event stream, however long it lasts', async () => {
    const stream = new EventStream(await fetch(`${app.url}/data/stream`, { headers: visitor.headers }));
    const controller = app.app.get(DataController);
    controller.asked.next();
    expect(await stream.next()).toMatchObject({ data: { notice: null } });
    await app.service.set(visitor, 'notice', 'saved');
    controller.asked.next();
    expect(await stream.next()).toMatchObject({ data: { notice: 'saved' } });
    await stream.close();
  });

  it('writes nothing to a session of an operator or a log', async () => {
    await app.service.set(visitor, 'notice', 'a secret of the house');
    expect(JSON.stringify(await app.service.describe(visitor))).not.toContain('secret of the house');
    expect(JSON.stringify(await app.service.list({ limit: 10, sort: 'created_at' }))).not.toContain(
      'secret of',
    );
  });
});
