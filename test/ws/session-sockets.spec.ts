import { once } from 'node:events';
import { connect } from 'node:net';
import { SessionsError } from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import { Logger } from '@nestjs/common';
import type { Visitor } from '../http/session-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { eventually } from '../support/eventually.js';
import { LiveClient, startLiveApp, type LiveApp } from './live-app.js';

const MINUTE = 60_000;

describe.each(ADAPTERS)('WebSockets on %s', (adapter) => {
  let app: LiveApp;
  beforeEach(async () => {
    app = await startLiveApp(adapter, { allowedOrigins: ['https://app.example.com'] });
  });
  afterEach(() => app.close());

  const held = async (visitor: Visitor) => (await app.service.describe(visitor))?.resources ?? [];

  it('belong to the session of their cookie, and are released when they close', async () => {
    const visitor = await app.visitor();
    const client = await LiveClient.connect(app, { headers: visitor.headers });
    expect(await client.ask('whoami')).toEqual({ event: 'you', data: [visitor.id, visitor.id] });
    expect(app.gateway.connected).toEqual([visitor.id]);
    expect(await held(visitor)).toMatchObject([{ type: 'stream', purpose: 'WebSocket' }]);
    client.socket.close();
    await eventually('the stream is released', async () => (await held(visitor)).length === 0);
  });

  it('are closed with 4401 when their session ends, and nothing is handled after that', async () => {
    const visitor = await app.visitor();
    const client = await LiveClient.connect(app, { headers: visitor.headers });
    client.socket.pause();
    const ending = app.service.end({ id: visitor.id }, 'admin', { thorough: true });
    await eventually('the session is over', async () => (await app.service.describe(visitor)) === null);
    client.socket.send(JSON.stringify({ event: 'note', data: 'too late' }));
    client.socket.resume();
    expect(await client.closed).toEqual({ code: 4401, reason: 'session ended' });
    await ending;
    expect(app.gateway.handled).toEqual([]);
  });

  it('are terminated a second after the end if the client does not answer', async () => {
    const visitor = await app.visitor();
    const client = await LiveClient.connect(app, { headers: visitor.headers });
    client.socket.pause();
    const startedAt = performance.now();
    await app.service.end({ id: visitor.id }, 'admin', { thorough: true });
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    client.socket.terminate();
  });

  it('are closed with 1001 when the process shuts down', async () => {
    const visitor = await app.visitor();
    const client = await LiveClient.connect(app, { headers: visitor.headers });
    const closing = app.app.close();
    expect(await client.closed).toMatchObject({ code: 1001 });
    await closing;
  });

  it('count messages of the client as activity, but no pings', async () => {
    const visitor = await app.visitor();
    const client = await LiveClient.connect(app, { headers: visitor.headers });
    const connectedAt = app.clock.now();
    app.clock.advance(10 * MINUTE);
    client.socket.ping();
    await once(client.socket, 'pong');
    expect(await app.service.describe(visitor)).toMatchObject({
      lastActivityAt: connectedAt,
      requestCount: 2,
    });
    await client.ask('note', 1);
    expect(await app.service.describe(visitor)).toMatchObject({
      lastActivityAt: app.clock.now(),
      requestCount: 2,
    });
    client.socket.terminate();
  });

  it('handle no message after the idle end, even without a cleanup', async () => {
    const visitor = await app.visitor();
    const client = await LiveClient.connect(app, { headers: visitor.headers });
    app.clock.advance(15 * MINUTE - 1);
    await client.ask('note', 'in time');
    app.clock.advance(15 * MINUTE);
    client.socket.send(JSON.stringify({ event: 'note', data: 'too late' }));
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect(app.gateway.handled).toEqual(['in time']);
  });

  it('handle a message if other requests kept the session alive', async () => {
    const visitor = await app.visitor();
    const client = await LiveClient.connect(app, { headers: visitor.headers });
    app.clock.advance(10 * MINUTE);
    await app.request('/open', { headers: visitor.headers });
    app.clock.advance(10 * MINUTE);
    expect(await client.ask('note', 'still here')).toEqual({ event: 'noted', data: 'still here' });
    client.socket.terminate();
  });

  it('handle no message after the absolute end', async () => {
    const visitor = await app.visitor();
    const client = await LiveClient.connect(app, { headers: visitor.headers });
    for (let passed = 0; passed < 5; passed += 1) {
      app.clock.advance(10 * MINUTE);
      await client.ask('note', passed);
    }
    app.clock.advance(10 * MINUTE);
    client.socket.send(JSON.stringify({ event: 'note', data: 'too late' }));
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect(app.gateway.handled).toEqual([0, 1, 2, 3, 4]);
  });

  it('answer an error with its code, without repeating the message', async () => {
    const { headers } = await app.visitor();
    const client = await LiveClient.connect(app, { headers });
    expect(await client.ask('fail', 'secret')).toEqual({
      event: 'exception',
      data: { status: 'error', code: 'RESOURCE_GONE', message: 'There is no such resource in this session.' },
    });
    client.socket.terminate();
  });

  it('survive malformed messages, and close at one that is too large', async () => {
    const { headers } = await app.visitor();
    const client = await LiveClient.connect(app, { headers });
    for (const junk of ['', '{', 'null', '[]', '{"event":"__proto__"}', '{"event":"no such"}', '\u0000']) {
      client.socket.send(junk);
    }
    expect(await client.ask('note', 1)).toEqual({ event: 'noted', data: 1 });
    client.socket.send('x'.repeat(1_048_577));
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  describe('are refused', () => {
    const refusal = async (headers: Record<string, string>, path?: string): Promise<string> => {
      const created = (await app.service.totals()).created;
      const outcome = await LiveClient.connect(app, { headers }, path).then(
        (client) => {
          client.socket.terminate();
          return 'connected';
        },
        (error: Error) => error.message,
      );
      expect((await app.service.totals()).created).toBe(created);
      return outcome;
    };

    it('with 401 without a live session; a token that was just replaced is accepted, and closed with 4409', async () => {
      const [ended, replaced, other] = [await app.visitor(), await app.visitor(), await app.visitor()];
      await app.service.end({ id: ended.id });
      await app.request('/regenerate', { method: 'POST', headers: replaced.headers });
      const presented: Record<string, string>[] = [
        {},
        { cookie: `sid=${'A'.repeat(45)}` },
        { cookie: Array.from({ length: 5 }, (_, index) => `sid=${index}`).join('; '), 'user-agent': 'test' },
        { cookie: other.cookie, 'user-agent': 'another' },
        ended.headers,
      ];
      for (const headers of presented) expect(await refusal(headers)).toBe('refused: 401');
      const stale = await LiveClient.connect(app, { headers: replaced.headers });
      expect(await stale.closed).toMatchObject({ code: 4409 });
      expect(await refusal({ 'user-agent': 'test' }, `/live?${other.cookie}`)).toBe('refused: 401');
      expect(app.gateway.connected).toEqual([]);
    });

    it('with 403 for a page of another origin', async () => {
      const { headers } = await app.visitor();
      const { host } = new URL(app.url);
      const connected = [
        `http://${host}`,
        `https://${host}`,
        'https://app.example.com',
        'https://APP.example.com:443',
      ];
      for (const origin of connected) expect(await refusal({ ...headers, origin })).toBe('connected');
      const refused = [
        'null',
        '',
        'https://evil.example',
        'http://app.example.com',
        'https://app.example.com:8443',
        'https://app.example.com.evil.example',
        `http://${host}.evil.example`,
        `http://${host.split(':')[0]}`,
        `ftp://${host}`,
        `http://${host}, https://evil.example`,
      ];
      for (const origin of refused) expect(await refusal({ ...headers, origin })).toBe('refused: 403');
      expect(await refusal(headers)).toBe('connected');
    });

    it('with 404 at a path without a gateway', async () => {
      const { headers } = await app.visitor();
      for (const path of ['/', '/live/', '/lives', '/%6cive', '//live']) {
        expect(await refusal(headers, path)).toBe('refused: 404');
      }
    });

    it('with 503 while the store is unavailable', async () => {
      const errors = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
      const { headers } = await app.visitor();
      const away = new SessionsError('STORE_UNAVAILABLE', 'The store does not answer.');
      const find = jest.spyOn(app.app.get(SessionStore).sessions, 'findByToken').mockRejectedValue(away);
      await expect(LiveClient.connect(app, { headers })).rejects.toThrow('refused: 503');
      find.mockRestore();
      errors.mockRestore();
    });

    it('without harm to other connections if they are malformed or aborted', async () => {
      const { headers } = await app.visitor();
      const port = Number(new URL(app.url).port);
      const key = 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==';
      const junk = [
        'GET /live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
        'GET /live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n',
        'POST /live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
        `GET http://[ HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n${key}\r\n\r\n`,
        `GET /live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n${key}\r\n\r\n`,
      ];
      const exchange = async (bytes: string, isTornOff: boolean): Promise<string> => {
        const socket = connect({ port, host: '127.0.0.1' });
        socket.on('error', () => {});
        await once(socket, 'connect');
        let answer = '';
        socket.on('data', (data) => (answer += data.toString()));
        const closed = once(socket, 'close');
        socket.write(bytes);
        if (isTornOff) setImmediate(() => socket.resetAndDestroy());
        await closed;
        return answer;
      };
      for (const bytes of junk) {
        await exchange(bytes, true);
        expect(await exchange(bytes, false)).toMatch(/^HTTP\/1\.1 4\d\d /);
      }
      const client = await LiveClient.connect(app, { headers });
      expect(await client.ask('note', 1)).toMatchObject({ event: 'noted' });
      client.socket.terminate();
    });
  });
});

describe.each(ADAPTERS)('WebSockets behind a trusted proxy on %s', (adapter) => {
  it('get the same address and security as requests', async () => {
    const app = await startLiveApp(adapter, {}, 'loopback');
    try {
      const proxied = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'user-agent': 'test' };
      const response = await app.request('/session', { headers: proxied });
      const cookie = response.headers['set-cookie']![0]!.split(';')[0]!;
      expect(cookie).toMatch(/^__Host-sid=/);
      const client = await LiveClient.connect(app, { headers: { ...proxied, cookie } });
      client.socket.terminate();
      const strangers = [
        { ...proxied, 'x-forwarded-for': '192.0.2.2', cookie },
        { ...proxied, 'x-forwarded-for': '192.0.2.1, 192.0.2.2', cookie },
        { ...proxied, 'x-forwarded-proto': 'http', cookie },
        { 'user-agent': 'test', 'x-forwarded-proto': 'https', cookie },
      ];
      for (const headers of strangers) {
        await expect(LiveClient.connect(app, { headers })).rejects.toThrow('refused: 401');
      }
    } finally {
      await app.close();
    }
  });

  it('ignore the forwarding headers of an untrusted sender', async () => {
    const app = await startLiveApp(adapter);
    try {
      const { id, headers } = await app.visitor();
      const forged = { ...headers, 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' };
      const client = await LiveClient.connect(app, { headers: forged });
      expect(app.gateway.connected).toEqual([id]);
      client.socket.terminate();
    } finally {
      await app.close();
    }
  });
});

describe.each(ADAPTERS)('The limit of WebSockets on %s', (adapter) => {
  it('is that of the streams of their session: the next is closed with 1013', async () => {
    const app = await startLiveApp(adapter, { maxStreamsPerSession: 2 });
    try {
      const { headers } = await app.visitor();
      const clients = [
        await LiveClient.connect(app, { headers }),
        await LiveClient.connect(app, { headers }),
      ];
      const refused = await LiveClient.connect(app, { headers });
      expect(await refused.closed).toEqual({ code: 1013, reason: 'too many streams' });
      for (const { socket } of clients) socket.terminate();
      await eventually('there is room again', async () =>
        (await app.service.totals()).types.every(({ active }) => active === 0),
      );
      (await LiveClient.connect(app, { headers })).socket.terminate();
    } finally {
      await app.close();
    }
  });
});
