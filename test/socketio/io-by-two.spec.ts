import { SessionService } from 'nest-sessions';
import { SHARED_STORES, type SharedStore } from '../core/node-worlds.js';
import { cookieOf, idIn, SessionController } from '../http/session-app.js';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { requestVerbatim } from '../support/verbatim-request.js';
import { IoClient, ioParts, MainGateway, TRANSPORTS, UNBOUNDED } from './io-app.js';

const WITHIN_MS = 1000;
const AGENT = { 'user-agent': 'test' };
const CASES = SHARED_STORES.flatMap(([name, share]) =>
  ADAPTERS.map((adapter) => [name, adapter, share] as const),
);

describe.each(CASES)('socket.io by two processes on %s with %s', (name, adapter, share) => {
  let shared: SharedStore;
  let here: RunningApp;
  let there: RunningApp;
  const start = (): Promise<RunningApp> => startServer(adapter, shared, `${name}-${adapter}`);
  beforeAll(async () => {
    shared = await share();
    here = await start();
    there = await start();
  });
  afterAll(async () => {
    await there.close();
    await here.close();
    await shared.stop();
  });

  describe.each(TRANSPORTS)('by %s', (transport) => {
    const visitor = async () => {
      const response = await requestVerbatim(here.url, '/session', { headers: AGENT });
      return { id: idIn(response), headers: { ...AGENT, cookie: cookieOf(response) } };
    };
    const connectThere = (headers: Record<string, string>): Promise<IoClient> =>
      IoClient.connect(there.url, { transports: [transport], extraHeaders: headers });

    it('a connection of one is told of the end by the other, and closed, within a second', async () => {
      const { id, headers } = await visitor();
      const client = await connectThere(headers);
      const begun = performance.now();
      await here.app.get(SessionService).end({ id }, 'admin');
      expect(await client.closed).toBe('io server disconnect');
      expect(performance.now() - begun).toBeLessThan(WITHIN_MS);
      expect(client.told('session-ended')).toEqual([{ reason: 'admin' }]);
    });

    it('a new token by one cuts off a connection of the other, and lets it connect anew', async () => {
      const { id, headers } = await visitor();
      const client = await connectThere(headers);
      const login = await requestVerbatim(here.url, '/login/ada', { method: 'POST', headers });
      await client.closed;
      expect(client.received).toEqual([{ event: 'session-stale', data: [] }]);
      client.socket.emit('note', 'of the old token');
      const again = await connectThere({ ...headers, cookie: cookieOf(login) });
      expect(await again.ask('whoami')).toEqual([id, id]);
      expect(there.app.get(MainGateway).handled).toEqual([]);
      again.socket.disconnect();
    });
  });
});

function startServer(adapter: AdapterName, shared: SharedStore, name: string): Promise<RunningApp> {
  return startApp(adapter, {
    ...ioParts(),
    controllers: [SessionController],
    options: { ...UNBOUNDED, cleanupIntervalSeconds: 86_400, adapters: { store: shared.open(name) } },
  });
}
