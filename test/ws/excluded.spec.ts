import { ADAPTERS } from '../support/http-app.js';
import { eventually } from '../support/eventually.js';
import { LiveClient, startLiveApp, type LiveApp } from './live-app.js';

describe.each(ADAPTERS)('A WebSocket at an excluded path on %s', (adapter) => {
  let app: LiveApp;
  beforeEach(async () => {
    app = await startLiveApp(adapter, { exclude: ['/live'] });
  });
  afterEach(() => app.close());

  it('is admitted without a session, and its messages are handled', async () => {
    const client = await LiveClient.connect(app);
    expect(await client.ask('note', 'hello')).toEqual({ event: 'noted', data: 'hello' });
    expect(app.gateway.connected).toEqual([undefined]);
    expect((await app.service.totals()).created).toBe(0);
    client.socket.close();
  });

  it('neither reads nor touches the session that its client presents, and outlives it', async () => {
    const visitor = await app.visitor();
    const client = await LiveClient.connect(app, { headers: visitor.headers });
    await client.ask('note', 1);
    expect(app.gateway.connected).toEqual([undefined]);
    const described = await app.service.describe(visitor);
    expect(described).toMatchObject({ requestCount: 1, resources: [] });
    await app.service.end({ id: visitor.id });
    expect(await client.ask('note', 2)).toEqual({ event: 'noted', data: 2 });
    client.socket.close();
    await eventually('it is closed', async () => client.socket.readyState === client.socket.CLOSED);
  });

  it('of a page of another site is refused all the same', async () => {
    const connecting = LiveClient.connect(app, { headers: { origin: 'https://elsewhere.example' } });
    await expect(connecting).rejects.toThrow('refused: 403');
  });
});
