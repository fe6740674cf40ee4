import { once } from 'node:events';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Body, Controller, Delete, HttpCode, Inject, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { CurrentSession, SessionService, SessionsModule, type Session } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { Browser } from '../support/browser.js';
import { ADAPTERS, startApp, type RunningApp } from '../support/http-app.js';
import { requestVerbatim } from '../support/verbatim-request.js';

const ADMIN_TOKEN = 'empty-json-0123456789-abcdefghijklmnop';
const JSON_TYPE = { 'content-type': 'application/json' };

@Controller()
class AppController {
  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Post('begin')
  begin(@CurrentSession() session: Session): object {
    return { session_id: session.id };
  }

  @Delete('session')
  @HttpCode(204)
  async logout(@CurrentSession() session: Session): Promise<void> {
    await this.sessions.end(session);
  }

  @Post('echo')
  echo(@Body() body: unknown): object {
    return { body: body ?? null };
  }
}

describe.each(ADAPTERS)('A request without a body, labelled as JSON, on %s', (adapter) => {
  let app: RunningApp;
  let browser: Browser;
  let id: string;

  beforeEach(async () => {
    app = await startApp(adapter, {
      options: { adminTokens: [ADMIN_TOKEN] },
      imports: [SessionsAdminModule],
      controllers: [AppController],
    });
    browser = new Browser(app.url);
    const begun = await browser.fetch('/begin', { method: 'POST', headers: JSON_TYPE });
    ({ session_id: id } = (await begun.json()) as { session_id: string });
  });
  afterEach(() => app.close());

  const send = (
    method: string,
    path: string,
    more: Record<string, string> = {},
    body?: string,
  ): ReturnType<typeof requestVerbatim> =>
    requestVerbatim(app.url, path, {
      method,
      headers: { cookie: browser.cookieHeader, 'user-agent': 'test-browser', ...JSON_TYPE, ...more },
      ...(body === undefined ? {} : { body }),
    });

  it.each<Record<string, string>>([
    {},
    { 'content-length': '0' },
    { 'content-type': 'application/json; charset=utf-8' },
  ])('logs out (%j)', async (more) => {
    expect((await send('DELETE', '/session', more)).status).toBe(204);
    expect(await app.app.get(SessionService).describe({ id })).toBeNull();
  });

  it('cleans a session up by the admin', async () => {
    const { status, text } = await send('POST', `/admin/sessions/${id}/cleanup`, {
      'x-admin-token': ADMIN_TOKEN,
    });
    expect([status, JSON.parse(text)]).toMatchObject([200, { cleaned: true }]);
  });

  it('is answered as the framework does where the handler takes a body', async () => {
    const { status, text } = await send('POST', '/echo', { 'content-length': '0' });
    const { code = null } = JSON.parse(text) as { code?: string };
    expect([status, code]).toEqual(
      { express: [201, null], fastify: [400, 'FST_ERR_CTP_EMPTY_JSON_BODY'] }[adapter],
    );
  });

  it('changes nothing for requests with a body', async () => {
    const { status, text } = await send('POST', '/echo', {}, '{"a":1}');
    expect([status, JSON.parse(text)]).toEqual([201, { body: { a: 1 } }]);
    expect((await send('POST', '/echo', {}, '{')).status).toBe(400);
    // A body that is announced and does not parse is no missing one, though the handler takes none.
    expect((await send('DELETE', '/session', { 'transfer-encoding': 'chunked' }, '{')).status).toBe(400);
  });
});

it('A request without a body, labelled as JSON, logs out over HTTP/2 on fastify', async () => {
  const storagePath = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  @Module({
    imports: [SessionsModule.forRoot({ storagePath, minFreeBytes: 0, ballastBytes: 0 })],
    controllers: [AppController],
  })
  class Http2Module {}
  const app = await NestFactory.create(Http2Module, new FastifyAdapter({ http2: true }), { logger: false });
  await app.listen(0, '127.0.0.1');
  const client = connect(`http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`);
  try {
    const statusOf = async (head: Record<string, string>, body?: string): Promise<unknown> => {
      const stream = client.request(head, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      stream.resume();
      return headers[':status'];
    };
    expect(await statusOf({ ':method': 'DELETE', ':path': '/session', ...JSON_TYPE })).toBe(204);
    // HTTP/2 does not announce the length of a body.
    expect(await statusOf({ ':method': 'POST', ':path': '/echo', ...JSON_TYPE }, '{')).toBe(400);
  } finally {
    client.close();
    await app.close();
    await rm(storagePath, { recursive: true, force: true });
  }
});
