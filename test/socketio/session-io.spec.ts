import { Logger } from '@nestjs/common';
import { SessionsError } from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import type { Visitor } from '../http/session-app.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS } from '../support/http-app.js';
import { IoClient, startIoApp, TRANSPORTS, type IoApp, type Refusal } from './io-app.js';

const MINUTE = 60_000;
const CASES = ADAPTERS.flatMap((adapter) => TRANSPORTS.map((transport) => [adapter, transport] as const));

describe.each(CASES)('socket.io on %s by %s', (adapter, transport) => {
  let app: IoApp;
  let clients: IoClient[];
  beforeEach(async () => {
    clients = [];
    app = await startIoApp(adapter, { allowedOrigins: ['https://app.example.com'] });
  });
  afterEach(async () => {
    for (const { socket } of clients) socket.disconnect();
    await app.close();
  });

  const connect = async (headers: Record<string, string>, path = ''): Promise<IoClient> => {
    const client = await IoClient.connect(`${app.url}${path}`, {
      transports: [transport],
      extraHeaders: headers,
    });
    clients.push(client);
    return client;
  };
  const refusal = async (headers: Record<string, string>): Promise<Refusal> => {
    const created = (await app.service.totals()).created;
    const outcome = await IoClient.try(app.url, { transports: [transport], extraHeaders: headers });
    expect((await app.service.totals()).created).toBe(created);
    if (outcome instanceof IoClient) throw new Error('connected');
    return outcome;
  };
  const held = async (visitor: Visitor) => (await app.service.describe(visitor))?.resources ?? [];

  it('belongs to the session of its cookie, and is released when it closes', async () => {
    const visitor = await app.visitor();
    const client = await connect(visitor.headers);
    expect(await client.ask('whoami')).toEqual([visitor.id, visitor.id]);
    expect(app.gateway.connected).toEqual([visitor.id]);
    expect(await held(visitor)).toMatchObject([{ type: 'stream', purpose: 'socket.io connection' }]);
    client.socket.disconnect();
    await eventually('the stream is released', async () => (await held(visitor)).length === 0);
  });

  it('is told of the end of its session with the reason and closed, and nothing is handled after that', async () => {
    const visitor = await app.visitor();
    const client = await connect(visitor.headers);
    const ending = app.service.end({ id: visitor.id }, 'admin', { thorough: true });
    client.socket.emit('note', 'too late');
    expect(await client.closed).toBe('io server disconnect');
    await ending;
    expect(client.told('session-ended')).toEqual([{ reason: 'admin' }]);
    expect(client.socket.active).toBe(false);
    expect(app.gateway.handled).toEqual([]);
    expect(app.gateway.clients[0]?.conn.readyState).toBe('closed');
  });

  it('is told of a new token and closed; the old one is refused with SESSION_STALE, the new one connects', async () => {
    const visitor = await app.visitor();
    const client = await connect(visitor.headers);
    const response = await app.request('/regenerate', { method: 'POST', headers: visitor.headers });
    const server = app.gateway.clients[0]!;
    server.emit('secret', 'of the new token');
    client.socket.emit('note', 'of the old token');
    // The client's own word for a lost connection: it would connect again by itself.
    expect(['transport close', 'transport error']).toContain(await client.closed);
    expect(client.received).toEqual([{ event: 'session-stale', data: [] }]);
    expect(app.gateway.handled).toEqual([]);
    expect(await refusal(visitor.headers)).toMatchObject({ code: 'SESSION_STALE', triesAgain: false });
    const cookie = response.headers['set-cookie']![0]!.split(';')[0]!;
    expect(await (await connect({ ...visitor.headers, cookie })).ask('note', 1)).toBe(1);
  });

  it('is closed when the process shuts down, so that its client connects elsewhere', async () => {
    const visitor = await app.visitor();
    const client = await connect(visitor.headers);
    const closing = app.app.close();
    expect(['transport close', 'transport error']).toContain(await client.closed);
    expect(client.received).toEqual([]);
    await closing;
  });

  it('counts messages of the client as activity, but no pings and no acknowledgements', async () => {
    await app.close();
    app = await startIoApp(adapter, {}, { server: { pingInterval: 50 } });
    const visitor = await app.visitor();
    const client = await connect(visitor.headers);
    const connectedAt = app.clock.now();
    app.clock.advance(10 * MINUTE);
    const { conn } = app.gateway.clients[0]!;
    await new Promise((resolve) => conn.once('heartbeat', resolve));
    client.socket.on('question', (answer: (text: string) => void) => answer('yes'));
    expect(await app.gateway.clients[0]!.timeout(5000).emitWithAck('question')).toBe('yes');
    expect(await app.service.describe(visitor)).toMatchObject({
      lastActivityAt: connectedAt,
      requestCount: 2,
    });
    await client.ask('note', 1);
    expect(await app.service.describe(visitor)).toMatchObject({
      lastActivityAt: app.clock.now(),
      requestCount: 2,
    });
  });

  it('handles no message after the idle end, even without a cleanup', async () => {
    const visitor = await app.visitor();
    const client = await connect(visitor.headers);
    app.clock.advance(15 * MINUTE - 1);
    await client.ask('note', 'in time');
    app.clock.advance(15 * MINUTE);
    client.socket.emit('note', 'too late');
    expect(await client.closed).toBe('io server disconnect');
    expect(client.told('session-ended')).toEqual([{ reason: 'idle' }]);
    expect(app.gateway.handled).toEqual(['in time']);
  });

  it('handles a message if other requests kept the session alive', async () => {
    const visitor = await app.visitor();
    const client = await connect(visitor.headers);
    app.clock.advance(10 * MINUTE);
    await app.request('/open', { headers: visitor.headers });
    app.clock.advance(10 * MINUTE);
    expect(await client.ask('note', 'still here')).toBe('still here');
  });

  it('answers an error with its code, without repeating the message', async () => {
    const { headers } = await app.visitor();
    const client = await connect(headers);
    client.socket.emit('fail', 'secret');
    await eventually('it is told', async () => client.received.length > 0);
    expect(client.told('exception')).toEqual([
      { status: 'error', code: 'RESOURCE_GONE', message: 'There is no such resource in this session.' },
    ]);
  });

  it('closes at a message that is too large, without harm to others', async () => {
    const [large, other] = [await app.visitor(), await app.visitor()];
    const client = await connect(large.headers);
    const bystander = await connect(other.headers);
    client.socket.emit('note', 'x'.repeat(1_048_577));
    expect(['transport close', 'transport error']).toContain(await client.closed);
    expect(await bystander.ask('note', 1)).toBe(1);
    expect(app.gateway.handled).toEqual([1]);
  });

  describe('is refused', () => {
    it('with SESSION_REQUIRED without a live session', async () => {
      const [ended, other] = [await app.visitor(), await app.visitor()];
      await app.service.end({ id: ended.id });
      const presented: [string, Record<string, string>][] = [
        ['SESSION_REQUIRED', {}],
        ['SESSION_REQUIRED', { cookie: `sid=${'A'.repeat(45)}` }],
        ['SESSION_REQUIRED', ended.headers],
        ['SESSION_BINDING_MISMATCH', { cookie: other.cookie, 'user-agent': 'another' }],
      ];
      for (const [code, headers] of presented) {
        expect(await refusal(headers)).toMatchObject({ code, statusCode: 401, triesAgain: false });
      }
      expect(app.gateway.connected).toEqual([]);
    });

    it('with CROSS_SITE_REFUSED for a page of another origin', async () => {
      const warnings = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
      const { headers } = await app.visitor();
      const { host } = new URL(app.url);
      for (const origin of [`http://${host}`, 'https://app.example.com']) {
        expect(await (await connect({ ...headers, origin })).ask('note', 1)).toBe(1);
      }
      for (const origin of ['null', 'https://evil.example', `http://${host}.evil.example`]) {
        expect(await refusal({ ...headers, origin })).toMatchObject({
          code: 'CROSS_SITE_REFUSED',
          statusCode: 403,
        });
      }
      for (const site of ['cross-site', 'same-site']) {
        const outcome = await refusal({ ...headers, 'sec-fetch-site': site });
        expect(outcome).toMatchObject({ code: 'CROSS_SITE_REFUSED' });
      }
      await connect({ ...headers, 'sec-fetch-site': 'same-origin' });
      expect(warnings).toHaveBeenCalledTimes(1);
      expect(warnings.mock.calls[0]?.[0]).toMatch(/socket\.io connection of a page of null was refused/);
      warnings.mockRestore();
    });

    it('with STREAMS_FULL beyond the limit of streams; there is room again when one closes', async () => {
      await app.close();
      app = await startIoApp(adapter, { maxStreamsPerSession: 2 });
      const { headers } = await app.visitor();
      const first = await connect(headers);
      await connect(headers);
      expect(await refusal(headers)).toMatchObject({
        code: 'STREAMS_FULL',
        statusCode: 429,
        triesAgain: false,
      });
      first.socket.disconnect();
      await eventually('there is room again', async () =>
        (await app.service.totals()).types.every(({ active }) => active < 2),
      );
      await connect(headers);
    });

    it('with STORE_UNAVAILABLE and a time to wait while the store is unavailable', async () => {
      const errors = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
      const { headers } = await app.visitor();
      const away = new SessionsError('STORE_UNAVAILABLE', 'The store does not answer.');
      const find = jest.spyOn(app.app.get(SessionStore).sessions, 'findByToken').mockRejectedValue(away);
      const outcome = await IoClient.try(app.url, { transports: [transport], extraHeaders: headers });
      expect(outcome).toMatchObject({ code: 'STORE_UNAVAILABLE', statusCode: 503 });
      find.mockRestore();
      errors.mockRestore();
    });
  });

  describe('of several namespaces', () => {
    it('is one stream, and all of its sockets are told of the end', async () => {
      const visitor = await app.visitor();
      const first = await connect(visitor.headers);
      const others = ['/chat', '/room-1'].map((name) => first.socket.io.socket(name));
      const told: unknown[] = [];
      const connected = others.map(
        (socket) => new Promise<void>((resolve) => socket.once('connect', resolve)),
      );
      await Promise.all(connected);
      for (const socket of others) {
        socket.on('session-ended', (...data: unknown[]) => told.push(socket.active, ...data));
        expect(await socket.timeout(5000).emitWithAck('whoami')).toEqual([visitor.id, visitor.id]);
      }
      expect([...app.chat.connected, ...app.rooms.connected]).toEqual([visitor.id, visitor.id]);
      expect(await held(visitor)).toHaveLength(1);
      const closed = Promise.all(
        others.map((socket) => new Promise((resolve) => socket.once('disconnect', resolve))),
      );
      await app.service.end({ id: visitor.id }, 'admin', { thorough: true });
      expect(await closed).toEqual(['io server disconnect', 'io server disconnect']);
      expect(told).toEqual([true, { reason: 'admin' }, true, { reason: 'admin' }]);
      expect(first.told('session-ended')).toEqual([{ reason: 'admin' }]);
    });

    it('that it joins at once is one stream too, and needs a session in each', async () => {
      const visitor = await app.visitor();
      const first = IoClient.begin(app.url, { transports: [transport], extraHeaders: visitor.headers });
      clients.push(first);
      const second = first.socket.io.socket('/chat');
      const joined = new Promise((resolve) => second.once('connect', () => resolve(true)));
      expect(await first.outcome()).toBeNull();
      expect(await joined).toBe(true);
      expect(await held(visitor)).toHaveLength(1);
      const stranger = await IoClient.try(`${app.url}/chat`, { transports: [transport] });
      expect(stranger).toMatchObject({ code: 'SESSION_REQUIRED' });
      expect(await IoClient.try(`${app.url}/room-2`, { transports: [transport] })).toMatchObject({
        code: 'SESSION_REQUIRED',
      });
    });
  });
});
