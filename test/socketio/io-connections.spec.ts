import { Logger } from '@nestjs/common';
import { SessionResolver } from 'nest-sessions';
import { io } from 'socket.io-client';
import { requestVerbatim } from '../support/verbatim-request.js';
import { ADAPTERS } from '../support/http-app.js';
import { eventually } from '../support/eventually.js';
import { IoClient, startIoApp, TRANSPORTS, type IoApp, type IoAppParts } from './io-app.js';

const FOREIGN = 'https://other.example';

describe.each(ADAPTERS)('Connections of socket.io on %s', (adapter) => {
  let app: IoApp;
  const open: { disconnect(): unknown }[] = [];
  const start = async (
    options: Parameters<typeof startIoApp>[1] = {},
    parts: IoAppParts = {},
  ): Promise<void> => {
    app = await startIoApp(adapter, options, parts);
  };
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.disconnect();
    await app.close();
    jest.restoreAllMocks();
  });
  const connect = async (options: Parameters<typeof IoClient.connect>[1]): Promise<IoClient> => {
    const client = await IoClient.connect(app.url, options);
    open.push(client.socket);
    return client;
  };
  const totals = async () => (await app.service.totals()).types.find(({ type }) => type === 'stream');

  it('stay one stream when they are upgraded from polling to a WebSocket, and end with their session', async () => {
    await start();
    const visitor = await app.visitor();
    const client = await connect({ transports: ['polling', 'websocket'], extraHeaders: visitor.headers });
    const server = app.gateway.clients[0]!;
    await eventually('it is upgraded', async () => server.conn.transport.name === 'websocket');
    expect((await app.service.describe(visitor))?.resources).toHaveLength(1);
    expect(await client.ask('note', 1)).toBe(1);
    await app.service.end({ id: visitor.id }, 'admin', { thorough: true });
    expect(client.told('session-ended')).toEqual([{ reason: 'admin' }]);
    expect((await totals())?.active).toBe(0);
  });

  it('begin no session and set no cookie by polling, and count as one request', async () => {
    await start();
    const { created } = await app.service.totals();
    const handshake = await app.request('/socket.io/?EIO=4&transport=polling');
    expect(handshake.status).toBe(200);
    expect(handshake.headers['set-cookie']).toBeUndefined();
    expect((await app.service.totals()).created).toBe(created);
    const visitor = await app.visitor();
    const client = await connect({ transports: ['polling'], extraHeaders: visitor.headers });
    for (let asked = 0; asked < 3; asked += 1) await client.ask('note', asked);
    expect(await app.service.describe(visitor)).toMatchObject({ requestCount: 2 });
  });

  it('are closed if their client shows no session in time, and no longer known', async () => {
    await start({}, { server: { connectTimeout: 200 } });
    const handshake = await app.request('/socket.io/?EIO=4&transport=polling');
    const { sid } = JSON.parse(handshake.text.slice(1)) as { sid: string };
    const poll = await app.request(`/socket.io/?EIO=4&transport=polling&sid=${sid}`);
    expect(poll.text).toBe('1');
    expect((await app.request(`/socket.io/?EIO=4&transport=polling&sid=${sid}`)).status).toBe(400);
  });

  it('answer no JSONP, which pages of any site could read', async () => {
    await start({}, { server: { allowEIO3: true } });
    const { headers } = await app.visitor();
    for (const query of ['EIO=4&transport=polling&j=0', 'EIO=3&transport=polling&j=1']) {
      const answer = await app.request(`/socket.io/?${query}`, { headers });
      expect([answer.status, answer.text]).toEqual([403, expect.not.stringContaining('sid')]);
    }
    expect(app.gateway.connected).toEqual([]);
  });

  it("ask the gateway's own allowRequest and middleware too", async () => {
    const seen: string[] = [];
    await start(
      {},
      {
        server: {
          allowRequest: (request, decide) => {
            seen.push(request.method ?? '');
            decide(null, request.headers['x-forbidden'] === undefined);
          },
        },
      },
    );
    const visitor = await app.visitor();
    await connect({ extraHeaders: visitor.headers });
    expect(seen).toEqual(['GET']);
    const refused = await IoClient.try(app.url, {
      extraHeaders: { ...visitor.headers, 'x-forbidden': 'yes' },
    });
    expect(refused).toMatchObject({ message: 'websocket error' });
  });

  it('let a client of the new token connect again by itself', async () => {
    await start();
    const visitor = await app.visitor();
    let cookie = visitor.cookie;
    const client = io(app.url, {
      forceNew: true,
      transports: ['websocket'],
      reconnectionDelay: 50,
      extraHeaders: visitor.headers,
    });
    open.push(client);
    await new Promise<void>((resolve) => client.once('connect', resolve));
    client.io.on('reconnect_attempt', () => {
      client.io.opts.extraHeaders = { ...visitor.headers, cookie };
    });
    const again = new Promise<void>((resolve) => client.io.once('reconnect', () => resolve()));
    const response = await app.request('/login/ada', { method: 'POST', headers: visitor.headers });
    cookie = response.headers['set-cookie']![0]!.split(';')[0]!;
    await again;
    expect(await client.timeout(5000).emitWithAck('whoami')).toEqual([visitor.id, visitor.id]);
  });

  it('of pages of other origins need the origin in allowedOrigins as well as in cors', async () => {
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    await start(
      { allowedOrigins: ['https://app.example.com'] },
      { server: { cors: { origin: ['https://app.example.com', FOREIGN], credentials: true } } },
    );
    const { headers } = await app.visitor();
    for (const [origin, code] of [
      ['https://app.example.com', undefined],
      [FOREIGN, 'CROSS_SITE_REFUSED'],
    ] as const) {
      const preflight = await requestVerbatim(app.url, '/socket.io/?EIO=4&transport=polling', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      expect(preflight.headers['access-control-allow-origin']).toBe(origin);
      const outcome = await IoClient.try(app.url, {
        transports: ['polling'],
        extraHeaders: { ...headers, origin },
      });
      if (outcome instanceof IoClient) open.push(outcome.socket);
      expect(outcome instanceof IoClient ? undefined : outcome.code).toBe(code);
    }
  });

  it('refuse the recovery of what another session left behind', async () => {
    const failing = startIoApp(adapter, {}, { server: { connectionStateRecovery: {} } });
    await expect(failing).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await start();
  });

  describe.each(TRANSPORTS)('with header tokens by %s', (transport) => {
    const visitor = async () => {
      const response = await app.request('/session', {
        headers: { 'user-agent': 'test', 'x-session-token': 'new' },
      });
      const { id } = JSON.parse(response.text) as { id: string };
      return { id, token: String(response.headers['x-session-token']) };
    };
    const from = (origin: string) => ({
      transports: [transport],
      extraHeaders: { 'user-agent': 'test', origin },
    });

    it('take them in auth and as a bearer token, also from a page of another origin', async () => {
      await start({ tokenIn: 'both' });
      const { id, token } = await visitor();
      const byAuth = await connect({ ...from(FOREIGN), auth: { token } });
      expect(await byAuth.ask('whoami')).toEqual([id, id]);
      const headers = { 'user-agent': 'test', origin: FOREIGN, authorization: `Bearer ${token}` };
      expect(await (await connect({ transports: [transport], extraHeaders: headers })).ask('note', 1)).toBe(
        1,
      );
    });

    it('let the token in auth win over a cookie', async () => {
      await start({ tokenIn: 'both' });
      const { id, token } = await visitor();
      const other = await app.visitor();
      const client = await connect({ transports: [transport], extraHeaders: other.headers, auth: { token } });
      expect(await client.ask('whoami')).toEqual([id, id]);
    });

    it('refuse what is none, and all of them where clients have cookies only', async () => {
      jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
      await start({ tokenIn: 'both' });
      const { token } = await visitor();
      const made = `${token.slice(0, -9)}AAAAAAAAA`;
      for (const auth of [
        { token: made },
        { token: 'jwt' },
        { token: 1 },
        { token: null },
        { token: '\r\nx' },
        {},
      ]) {
        const outcome = await IoClient.try(app.url, { ...from(app.url), auth });
        expect(outcome).toMatchObject({ code: 'SESSION_REQUIRED' });
      }
      const foreign = await IoClient.try(app.url, { ...from(FOREIGN), auth: { token: 'jwt' } });
      expect(foreign).toMatchObject({ code: 'CROSS_SITE_REFUSED' });
      await app.close();
      await start();
      const { cookie } = await app.visitor();
      const outcome = await IoClient.try(app.url, { ...from(app.url), auth: { token: cookie.slice(4) } });
      expect(outcome).toMatchObject({ code: 'SESSION_REQUIRED' });
    });

    it('are told and closed when the token is replaced', async () => {
      await start({ tokenIn: 'both' });
      const { token } = await visitor();
      const client = await connect({ ...from(FOREIGN), auth: { token } });
      const headers = { 'user-agent': 'test', authorization: `Bearer ${token}` };
      await app.request('/regenerate', { method: 'POST', headers });
      await client.closed;
      expect(client.received).toEqual([{ event: 'session-stale', data: [] }]);
    });

    it('keep one session to a connection', async () => {
      await start({ tokenIn: 'both' });
      const [first, second] = [await visitor(), await visitor()];
      const client = await connect({ ...from(app.url), auth: { token: first.token } });
      const chat = client.socket.io.socket('/chat', { auth: { token: second.token } });
      const refused = await new Promise<Error & { data?: object }>((resolve) =>
        chat.once('connect_error', resolve),
      );
      expect(refused.data).toMatchObject({ code: 'INVALID_ARGUMENT', statusCode: 400 });
      expect(await client.ask('whoami')).toEqual([first.id, first.id]);
    });
  });

  it('that ask for very many namespaces in one message are cut, with a session and without, before each is looked up', async () => {
    await start();
    const live = await app.visitor();
    const find = jest.spyOn(app.app.get(SessionResolver).presented, 'find');
    for (const headers of [{ 'user-agent': 'test' }, live.headers]) {
      find.mockClear();
      const begun = await app.request('/socket.io/?EIO=4&transport=polling', { headers });
      const { sid } = JSON.parse(begun.text.slice(1)) as { sid: string };
      const body = Array<string>(20_000).fill('40').join('\x1e');
      const polling = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;
      await app.request(polling, { method: 'POST', headers, body }).catch(() => undefined);
      await eventually('it is gone', async () => (await app.request(polling, { headers })).status === 400);
      expect(find.mock.calls.length).toBeLessThan(40);
      expect(app.gateway.clients).toEqual([]);
    }
  });

  it('get the address and security of a trusted proxy', async () => {
    await start({}, { trustProxy: 'loopback' });
    const proxied = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'user-agent': 'test' };
    const response = await app.request('/session', { headers: proxied });
    const cookie = response.headers['set-cookie']![0]!.split(';')[0]!;
    expect(cookie).toMatch(/^__Host-sid=/);
    for (const transport of TRANSPORTS) {
      await connect({ transports: [transport], extraHeaders: { ...proxied, cookie } });
      const elsewhere = { ...proxied, 'x-forwarded-for': '192.0.2.2', cookie };
      const outcome = await IoClient.try(app.url, { transports: [transport], extraHeaders: elsewhere });
      expect(outcome).toMatchObject({ statusCode: 401 });
    }
  });
});
