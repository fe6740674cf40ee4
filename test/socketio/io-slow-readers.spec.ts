import { connect, type Socket as NetSocket } from 'node:net';
import { once } from 'node:events';
import type { WebSocket } from 'ws';
import { eventually } from '../support/eventually.js';
import { ADAPTERS } from '../support/http-app.js';
import { IoClient, startIoApp, type IoApp } from './io-app.js';

const text = 'x'.repeat(64 * 1024);

describe.each(ADAPTERS)('socket.io clients that read slowly, on %s,', (adapter) => {
  let app: IoApp;
  beforeEach(async () => {
    app = await startIoApp(adapter, { downloadIdleSeconds: 1 });
  });
  afterEach(() => app.close());

  /** From now on the client reads nothing. */
  const pause = (client: IoClient): void =>
    (client.socket.io.engine.transport as unknown as { ws: WebSocket }).ws.pause();

  it('are disconnected when they stay behind, by WebSocket', async () => {
    const visitor = await app.visitor();
    const client = await IoClient.connect(app.url, { extraHeaders: visitor.headers });
    const server = app.gateway.clients[0]!;
    pause(client);
    await eventually('the server gives up', async () => {
      for (let sent = 0; sent < 64; sent += 1) server.emit('burst', text);
      return server.conn.readyState === 'closed';
    });
    const held = async () => (await app.service.describe(visitor))?.resources.length;
    expect(await eventually('the stream is released', async () => (await held()) === 0)).toBe(true);
    client.socket.disconnect();
  });

  it('are disconnected within two seconds of the end of their session, by WebSocket', async () => {
    const visitor = await app.visitor();
    const client = await IoClient.connect(app.url, { extraHeaders: visitor.headers });
    const server = app.gateway.clients[0]!;
    pause(client);
    for (let sent = 0; sent < 100; sent += 1) server.emit('burst', text);
    const begun = performance.now();
    await app.service.end({ id: visitor.id }, 'admin', { thorough: true });
    expect(performance.now() - begun).toBeLessThan(3000);
    expect(server.conn.readyState).toBe('closed');
    client.socket.disconnect();
  });

  it('get the whole of a burst that they read', async () => {
    const visitor = await app.visitor();
    for (const transport of ['websocket', 'polling'] as const) {
      const client = await IoClient.connect(app.url, {
        transports: [transport],
        extraHeaders: visitor.headers,
      });
      for (let sent = 0; sent < 64; sent += 1) app.gateway.clients.at(-1)!.emit('burst', text);
      await eventually('all of it is there', async () => client.received.length === 64);
      expect(app.gateway.clients.at(-1)!.conn.readyState).toBe('open');
      client.socket.disconnect();
    }
  });

  it('that poll no more are disconnected when they are behind, and soon after the end of their session', async () => {
    const visitor = await app.visitor();
    await join(visitor.headers);
    const [behind] = app.gateway.clients;
    await eventually('the server gives up', async () => {
      for (let sent = 0; sent < 16; sent += 1) behind!.emit('burst', text);
      return behind!.conn.readyState === 'closed';
    });
    await join(visitor.headers);
    const begun = performance.now();
    await app.service.end({ id: visitor.id }, 'admin', { thorough: true });
    expect(performance.now() - begun).toBeLessThan(3000);
    expect(app.gateway.clients[1]!.conn.readyState).toBe('closed');
  });

  it('that poll but do not read the answer are disconnected, however many answers they ask for', async () => {
    const visitor = await app.visitor();
    const sid = await join(visitor.headers);
    const server = app.gateway.clients[0]!;
    const { port } = new URL(app.url);
    const wires: NetSocket[] = [];
    await eventually(
      'the server gives up',
      async () => {
        const wire = connect({ port: Number(port), host: '127.0.0.1' });
        wires.push(wire);
        wire.on('error', () => {}).pause();
        await once(wire, 'connect');
        wire.write(`GET /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nhost: x\r\n\r\n`);
        // More than the system takes, and less than may wait.
        for (let sent = 0; sent < 112; sent += 1) server.emit('burst', text);
        return server.conn.readyState === 'closed';
      },
      10_000,
    );
    expect(wires.length).toBeLessThan(10);
    for (const wire of wires) wire.destroy();
  });

  /** Begins to poll; the id that later requests name. */
  const handshake = async (headers: Record<string, string>): Promise<string> => {
    const { text: open } = await app.request('/socket.io/?EIO=4&transport=polling', { headers });
    return (JSON.parse(open.slice(1)) as { sid: string }).sid;
  };
  /** Joins the main namespace, and never polls for the answer. */
  const join = async (headers: Record<string, string>): Promise<string> => {
    const sid = await handshake(headers);
    const joined = app.gateway.clients.length + 1;
    await app.request(`/socket.io/?EIO=4&transport=polling&sid=${sid}`, {
      method: 'POST',
      headers,
      body: '40',
    });
    await eventually('it is connected', async () => app.gateway.clients.length === joined);
    return sid;
  };
});
