import { connect, type Socket } from 'node:net';
import type { MessageEvent } from '@nestjs/common';
import { ADAPTERS } from '../support/http-app.js';
import { EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { startSessionApp, type SessionApp, type Visitor } from './session-app.js';

describe.each(ADAPTERS)('Server-sent events on %s', (adapter) => {
  let app: SessionApp;
  beforeEach(async () => {
    app = await startSessionApp(adapter, {
      openRate: 0,
      maxUnconfirmedPerNetwork: 0,
      maxSessionsPerNetwork: 0,
    });
  });
  afterEach(() => app.close());

  const listen = async (headers: Record<string, string>): Promise<EventStream> =>
    new EventStream(await fetch(`${app.url}/events`, { headers }));
  const held = async (visitor: Visitor) => (await app.service.describe(visitor))?.resources ?? [];

  /** Opens an event stream and reads nothing of it. */
  const stuckReader = async (visitor: Visitor): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(app.url).port) });
    socket.on('error', () => {});
    const lines = Object.entries(visitor.headers).map(([name, value]) => `${name}: ${value}`);
    socket.write(['GET /events HTTP/1.1', 'host: x', ...lines, '', ''].join('\r\n'));
    await eventually('the stream is tracked', async () => (await held(visitor)).length === 1);
    await eventually('its handler is subscribed to', async () => app.controller.messages.observed);
    return socket;
  };

  it('belong to their session, and are released when the client disconnects', async () => {
    const visitor = await app.visitor();
    const stream = await listen(visitor.headers);
    expect(stream.response.status).toBe(200);
    expect(await held(visitor)).toMatchObject([{ type: 'stream', purpose: 'server-sent events' }]);
    app.controller.messages.next({ data: { progress: 1 } });
    expect(await stream.next()).toEqual({ event: 'message', data: { progress: 1 } });
    await stream.close();
    await eventually('the stream is released', async () => (await held(visitor)).length === 0);
    expect(app.controller.messages.observed).toBe(false);
  });

  it.each(['\n', '\r', '\r\n'])(
    'stay one event each, whatever breaks the lines in them: %j',
    async (lineBreak) => {
      const visitor = await app.visitor();
      const response = await fetch(`${app.url}/events`, { headers: visitor.headers });
      const forged = ['x', 'event: forged', 'data: {}', '', ''].join(lineBreak);
      app.controller.messages.next({ id: forged, type: forged, data: { text: forged } });
      app.controller.messages.next({ id: 'z', type: 'last', data: {} });
      let text = '';
      for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
        text += part;
        if (text.includes('event: last')) break;
      }
      const named = text.split(/\r\n|\r|\n/).filter((line) => line.startsWith('event:'));
      expect(named).toEqual([expect.stringMatching(/^event: x/), 'event: last']);
    },
  );

  it('open a session for a client that has none', async () => {
    const stream = await listen({ 'user-agent': 'test' });
    expect(stream.response.headers.getSetCookie()).toEqual([expect.stringMatching(/^sid=/)]);
    expect(stream.response.headers.get('cache-control')).toContain('no-store');
    expect(stream.response.headers.get('vary')).toBe('Cookie');
    await stream.close();
  });

  it('send the reason as the last event when their session ends', async () => {
    const visitor = await app.visitor();
    const stream = await listen(visitor.headers);
    app.controller.messages.next({ data: { progress: 1 } });
    await stream.next();
    const ending = app.service.end({ id: visitor.id }, 'admin', { thorough: true });
    app.controller.messages.next({ data: { progress: 2 } });
    await ending;
    app.controller.messages.next({ data: { progress: 3 } });
    const rest = [await stream.next(), await stream.next(), await stream.next()].filter(
      (event) => event !== null,
    );
    expect(rest.at(-1)).toEqual({ event: 'session-ended', data: { reason: 'admin' } });
    expect(rest.slice(0, -1).every(({ data }) => data['progress'] === 2)).toBe(true);
  });

  it('answer 204 if their session has ended, and open no new one', async () => {
    const visitor = await app.visitor();
    await app.service.end({ id: visitor.id });
    const created = (await app.service.totals()).created;
    const response = await app.request('/events', { headers: visitor.headers });
    expect(response).toMatchObject({ status: 204, text: '' });
    expect(response.headers['set-cookie']).toBeUndefined();
    expect(response.headers['content-type']).toBeUndefined();
    expect((await app.service.totals()).created).toBe(created);
  });

  it('begin with an id that reaches no page, whether or not a message follows', async () => {
    const visitor = await app.visitor();
    const beginning = async (message?: MessageEvent): Promise<string> => {
      const response = await fetch(`${app.url}/events`, { headers: visitor.headers });
      if (message) app.controller.messages.next(message);
      let text = '';
      for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
        text += part;
        if (text.includes(message ? 'data: ' : 'id: ')) break;
      }
      return text.trimStart();
    };
    expect(await beginning()).toBe('id: 0\n\n');
    expect(await beginning({ data: 'x' })).toBe('id: 0\n\nid: 1\ndata: x\n\n');
  });

  it.each([
    ['a page whose cookie a logout took back', () => ({})],
    ['a page whose session was forgotten', () => ({ cookie: `sid=${'x'.repeat(45)}` })],
  ])('answer 204 when they reconnect without a session: %s', async (_, without) => {
    const visitor = await app.visitor();
    const stream = await listen(visitor.headers);
    await app.request('/session', { method: 'DELETE', headers: visitor.headers });
    expect(await stream.next()).toEqual({ event: 'session-ended', data: { reason: 'ended' } });
    const created = (await app.service.totals()).created;
    const headers = { 'user-agent': 'test', 'last-event-id': '1', ...without() };
    for (let times = 0; times < 2; times += 1) {
      const response = await app.request('/events', { headers });
      expect(response).toMatchObject({ status: 204, text: '' });
      expect(response.headers['set-cookie']).toBeUndefined();
    }
    expect((await app.service.totals()).created).toBe(created);
  });

  it('go on when they reconnect with a session', async () => {
    const visitor = await app.visitor();
    const stream = await listen({ ...visitor.headers, 'last-event-id': '7' });
    expect(stream.response.status).toBe(200);
    await stream.close();
  });

  it('are not activity while they are open', async () => {
    const visitor = await app.visitor();
    const stream = await listen(visitor.headers);
    app.clock.advance(10 * 60_000);
    app.controller.messages.next({ data: { progress: 1 } });
    await stream.next();
    expect(await app.service.describe(visitor)).toMatchObject({
      requestCount: 2,
      lastActivityAt: app.clock.now() - 10 * 60_000,
    });
    await stream.close();
  });

  it('end without an event when the process shuts down', async () => {
    const visitor = await app.visitor();
    const stream = await listen(visitor.headers);
    const closing = app.app.close();
    expect(await stream.next()).toBeNull();
    await closing;
  });

  it('of a client that stays behind are closed, those of others are not', async () => {
    const [idler, reader] = [await app.visitor(), await app.visitor()];
    const stuck = await stuckReader(idler);
    const stream = await listen(reader.headers);
    const text = 'x'.repeat(100_000);
    let received = 0;
    const reading = (async () => {
      while (await stream.next()) received += 1;
    })();
    let sent = 0;
    await eventually('the idle reader is given up', async () => {
      app.controller.messages.next({ data: { text } });
      sent += 1;
      return (await held(idler)).length === 0;
    });
    await eventually('the other one has it all', async () => received === sent);
    expect(await held(reader)).toHaveLength(1);
    await stream.close();
    await reading;
    stuck.destroy();
  });

  it('of a client that reads nothing are closed a second after their session ends', async () => {
    const visitor = await app.visitor();
    const socket = await stuckReader(visitor);
    const text = 'x'.repeat(1_000_000);
    for (let sent = 0; sent < 7; sent += 1) app.controller.messages.next({ data: text });
    const startedAt = performance.now();
    await app.service.end({ id: visitor.id }, 'admin', { thorough: true });
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThan(900);
    expect(tookMs).toBeLessThan(3000);
    socket.destroy();
  });
});

describe.each(ADAPTERS)('Server-sent events with a short idle limit, on %s,', (adapter) => {
  it('stay open while nothing is pending', async () => {
    const app = await startSessionApp(adapter, {
      openRate: 0,
      maxUnconfirmedPerNetwork: 0,
      maxSessionsPerNetwork: 0,
      downloadIdleSeconds: 1,
    });
    try {
      const { headers } = await app.visitor();
      const stream = new EventStream(await fetch(`${app.url}/events`, { headers }));
      await new Promise((resolve) => setTimeout(resolve, 2500));
      app.controller.messages.next({ data: { progress: 1 } });
      expect(await stream.next()).toEqual({ event: 'message', data: { progress: 1 } });
      await stream.close();
    } finally {
      await app.close();
    }
  });
});

describe.each(ADAPTERS)('Server-sent events without a session, on %s,', (adapter) => {
  it('are refused with 429, above the rate and above the limit of the session', async () => {
    const app = await startSessionApp(adapter, { openRate: 1, maxStreamsPerSession: 1 });
    try {
      const visitor = await app.visitor();
      const refused = await app.request('/events');
      expect(refused.status).toBe(429);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      await app.service.trackStream(visitor, { close() {} });
      const full = await app.request('/events', { headers: visitor.headers });
      expect(full.status).toBe(429);
      expect(JSON.parse(full.text)).toMatchObject({ code: 'STREAMS_FULL' });
    } finally {
      await app.close();
    }
  });
});
