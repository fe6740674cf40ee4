import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, type TrustProxy } from '../support/http-app.js';
import { RawRequest } from '../support/raw-request.js';
import { LiveClient, startLiveApp, type LiveApp } from '../ws/live-app.js';
import { cookieOf, idIn, startSessionApp, type SessionApp } from './session-app.js';

const AGENT = { 'user-agent': 'test' };
const noAddress: TrustProxy = (address) => address === undefined;

let warnings: string[];
beforeEach(() => {
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line) => void warnings.push(String(line)));
});
afterEach(() => jest.restoreAllMocks());

async function within(app: SessionApp, use: () => Promise<void>): Promise<void> {
  try {
    await use();
  } finally {
    await app.close();
  }
}

describe.each(ADAPTERS)('Behind a trusted proxy, on %s,', (adapter) => {
  const proxied = (forwardedFor: string) => ({ ...AGENT, 'x-forwarded-for': forwardedFor });
  const addressOf = async (app: SessionApp, headers: Record<string, string>): Promise<string> =>
    (JSON.parse((await app.request('/session', { headers })).text) as { ipAddress: string }).ipAddress;

  it('a scheme is secure in any case, also that of a WebSocket', async () => {
    const app = await startLiveApp(adapter, {}, 'loopback');
    await within(app, async () => {
      const https = { ...proxied('192.0.2.1'), 'x-forwarded-proto': 'https' };
      const first = await app.request('/session', { headers: https });
      const cookie = cookieOf(first);
      expect(cookie).toMatch(/^__Host-sid=/);
      for (const scheme of ['HTTPS', 'Https', 'wss', 'WSS']) {
        const headers = { ...https, 'x-forwarded-proto': scheme, cookie };
        expect(idIn(await app.request('/session', { headers }))).toBe(idIn(first));
        (await LiveClient.connect(app, { headers })).socket.terminate();
      }
      for (const scheme of ['http', 'HTTP', 'ws', 'httpss', 'shttps']) {
        const headers = { ...https, 'x-forwarded-proto': scheme, cookie };
        expect(cookieOf(await app.request('/session', { headers }))).toMatch(/^sid=/);
        await expect(LiveClient.connect(app, { headers })).rejects.toThrow('refused: 401');
      }
    });
  });

  it('an address is read in all that proxies write around it, and is that of its session for WebSockets too', async () => {
    const app = await startLiveApp(adapter, {}, 'loopback');
    await within(app, async () => {
      for (const [written, address] of [
        ['203.0.113.7:51234', '203.0.113.7'],
        ['[2001:db8::7]:51234', '2001:db8::7'],
        ['"[2001:db8::7]:51234"', '2001:db8::7'],
        ['unknown, 203.0.113.7:51234', '203.0.113.7'],
      ] as const) {
        expect(await addressOf(app, proxied(written))).toBe(address);
        const { id, headers } = await app.visitor(proxied(written));
        (await LiveClient.connect(app, { headers })).socket.terminate();
        const otherPort = { ...headers, 'x-forwarded-for': written.replace('51234', '4') };
        expect(idIn(await app.request('/session', { headers: otherPort }))).toBe(id);
      }
      expect(warnings).toEqual([]);
    });
  });

  it('what is no address is the proxy’s, to which the session is bound, with one warning', async () => {
    const app = await startSessionApp(adapter, {}, { trustProxy: 'loopback' });
    await within(app, async () => {
      for (const text of ['unknown', '_hidden', '198.051.100.001', '203.0.113.7:port']) {
        expect(await addressOf(app, proxied(text))).toBe('127.0.0.1');
      }
      const { id, cookie, headers } = await app.visitor(proxied('unknown'));
      expect(idIn(await app.request('/session', { headers }))).toBe(id);
      const elsewhere = { ...proxied('203.0.113.7'), cookie };
      expect(idIn(await app.request('/session', { headers: elsewhere }))).not.toBe(id);
      expect(warnings).toEqual([
        expect.stringContaining('names no address'),
        expect.stringContaining('from another address'),
      ]);
    });
  });

  it('clients without a readable address never count as one: 200 of them get a session each', async () => {
    const app = await startSessionApp(adapter, { openRate: 10 }, { trustProxy: 'loopback' });
    await within(app, async () => {
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => app.request('/session', { headers: proxied('unknown') })),
      );
      expect(new Set(answers.map(idIn)).size).toBe(200);
      const readable = await Promise.all(
        Array.from({ length: 12 }, () => app.request('/session', { headers: proxied('203.0.113.7:1') })),
      );
      expect(readable.filter(({ status }) => status === 429)).toHaveLength(2);
    });
  });
});

describe.each(ADAPTERS)('Behind a proxy at a Unix socket, on %s,', (adapter) => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-socket-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const start = (trustProxy?: TrustProxy): Promise<LiveApp> =>
    startLiveApp(adapter, { openRate: 3 }, trustProxy, join(folder, 'http.sock'));

  it('clients have no address: not bound, not counted as one, and one warning', async () => {
    const app = await start();
    await within(app, async () => {
      const forwarded = { ...AGENT, 'x-forwarded-for': '203.0.113.7' };
      const { id, cookie } = await app.visitor(forwarded);
      const headers = { ...AGENT, 'x-forwarded-for': '203.0.113.8', cookie };
      expect(JSON.parse((await app.request('/session', { headers })).text)).toMatchObject({
        id,
        ipAddress: 'local',
      });
      (await LiveClient.connect(app, { headers })).socket.terminate();
      const others = await Promise.all(Array.from({ length: 10 }, () => app.request('/session')));
      expect(others.map(({ status }) => status)).toEqual(Array(10).fill(200));
      expect(warnings).toEqual([expect.stringContaining('Unix socket')]);
    });
  });

  it('that is trusted, clients have the address and the security that it tells, for WebSockets too', async () => {
    const app = await start(noAddress);
    await within(app, async () => {
      const proxied = { ...AGENT, 'x-forwarded-for': '192.0.2.9, 203.0.113.7', 'x-forwarded-proto': 'https' };
      const first = await app.request('/session', { headers: proxied });
      expect(JSON.parse(first.text)).toMatchObject({ ipAddress: '203.0.113.7' });
      expect(cookieOf(first)).toMatch(/^__Host-sid=/);
      const headers = { ...proxied, cookie: cookieOf(first) };
      (await LiveClient.connect(app, { headers })).socket.terminate();
      const elsewhere = { ...headers, 'x-forwarded-for': '203.0.113.8' };
      await expect(LiveClient.connect(app, { headers: elsewhere })).rejects.toThrow('refused: 401');
      expect(warnings).toEqual([expect.stringContaining('from another address')]);
    });
  });
});

describe.each(ADAPTERS)('A client that breaks off as soon as it has asked, on %s,', (adapter) => {
  it('ends no session that it presents, and opens none past the limits of its network', async () => {
    const app = await startSessionApp(adapter, { openRate: 1, onMismatch: 'end' });
    await within(app, async () => {
      const visitor = await app.visitor();
      let arrived = 0;
      (app.app.getHttpServer() as Server).on('request', () => (arrived += 1));
      for (const cookie of [visitor.cookie, 'none=1']) {
        for (let times = 0; times < 10; times += 1) {
          const raw = await RawRequest.open(Number(new URL(app.url).port));
          const head = `GET /open HTTP/1.1\r\nhost: a\r\nuser-agent: test\r\ncookie: ${cookie}\r\n\r\n`;
          await new Promise<void>((sent) => raw.socket.write(head, () => sent()));
          raw.reset();
        }
      }
      await eventually('all requests have arrived', async () => arrived === 20);
      expect(idIn(await app.request('/session', { headers: visitor.headers }))).toBe(visitor.id);
      expect((await app.service.totals()).created).toBe(1);
      expect(warnings).toEqual([]);
    });
  });
});

describe.each(ADAPTERS)('The warning of a forwarding header, on %s,', (adapter) => {
  const warningsOf = async (
    trustProxy: string | undefined,
    headers: Record<string, string>,
  ): Promise<string[]> => {
    const app = await startSessionApp(adapter, {}, trustProxy === undefined ? {} : { trustProxy });
    await within(app, async () => {
      for (let sent = 0; sent < 3; sent += 1) await app.request('/open', { headers });
    });
    return warnings.splice(0);
  };

  it('is logged once without a trusted proxy, and never with one', async () => {
    const header = { 'x-forwarded-for': '203.0.113.7' };
    expect(await warningsOf('loopback', header)).toEqual([]);
    const lines = await warningsOf(undefined, header);
    expect(lines).toEqual([expect.stringContaining('x-forwarded-for, but its sender is not a trusted')]);
    expect(lines[0]).not.toContain('203.0.113.7');
  });

  it('is not logged for what a trusted proxy asks by itself', async () => {
    expect(await warningsOf('loopback', { 'x-forwarded-for': '127.0.0.1' })).toEqual([]);
    expect(await warningsOf('loopback', { 'x-forwarded-for': '' })).toEqual([]);
  });

  it('tells of a trusted proxy whose header no framework reads', async () => {
    for (const [name, value] of [
      ['x-real-ip', '203.0.113.7'],
      ['forwarded', 'for=203.0.113.7'],
    ] as const) {
      expect(await warningsOf('loopback', { [name]: value })).toEqual([
        expect.stringContaining(`trusted proxy sent the header ${name} without X-Forwarded-For`),
      ]);
    }
  });
});
