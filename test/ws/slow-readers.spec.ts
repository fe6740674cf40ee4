import type { WebSocket } from 'ws';
import { ADAPTERS } from '../support/http-app.js';
import { eventually } from '../support/eventually.js';
import type { Visitor } from '../http/session-app.js';
import { LiveClient, startLiveApp, type LiveApp } from './live-app.js';

describe.each(ADAPTERS)('WebSockets whose clients read slowly, on %s,', (adapter) => {
  let app: LiveApp;
  let visitor: Visitor;
  let client: LiveClient;
  let serverSide: WebSocket;

  const start = async (downloadIdleSeconds: number): Promise<void> => {
    app = await startLiveApp(adapter, { downloadIdleSeconds });
    visitor = await app.visitor();
    client = await LiveClient.connect(app, { headers: visitor.headers });
    await eventually('the gateway knows of it', async () => app.gateway.clients.length === 1);
    serverSide = app.gateway.clients[0]!;
  };
  afterEach(async () => {
    client.socket.terminate();
    await app.close();
  });

  const text = 'x'.repeat(64 * 1024);
  /** Sends until more waits here than the system takes; how often. */
  const fillUp = (): number => {
    let sent = 0;
    for (; serverSide.bufferedAmount === 0; sent += 1) serverSide.send(text);
    return sent;
  };

  it('are closed when they stay behind', async () => {
    await start(60);
    client.socket.pause();
    fillUp();
    await eventually('the server gives up', async () => {
      for (let sent = 0; sent < 4; sent += 1) serverSide.send(text);
      return serverSide.readyState === serverSide.CLOSED;
    });
    const held = async () => (await app.service.describe(visitor))?.resources.length;
    expect(await eventually('the stream is released', async () => (await held()) === 0)).toBe(true);
  });

  it('get the whole of a burst that they read', async () => {
    await start(60);
    for (let sent = 0; sent < 64; sent += 1) serverSide.send(JSON.stringify({ event: 'burst', data: text }));
    await eventually('all of it is there', async () => client.received.length === 64);
    expect(serverSide.readyState).toBe(serverSide.OPEN);
  });

  it('are terminated when they read no pending bytes', async () => {
    await start(1);
    client.socket.pause();
    fillUp();
    const isClosed = async (): Promise<boolean> => serverSide.readyState === serverSide.CLOSED;
    expect(await eventually('the server gives up', isClosed, 5000)).toBe(true);
  });

  it('stay open while nothing is pending', async () => {
    await start(1);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await client.ask('note', 1)).toEqual({ event: 'noted', data: 1 });
  });
});
