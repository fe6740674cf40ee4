import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { ADAPTERS, type TrustProxy } from '../support/http-app.js';
import { Proxy, replaced, type ProxyName, type ProxyParts } from '../support/proxies.js';
import { requestVerbatim } from '../support/verbatim-request.js';
import { LiveClient, startLiveApp, type LiveApp } from '../ws/live-app.js';
import { cookieOf, idIn } from './session-app.js';

const AGENT = { 'user-agent': 'test' };
const HOST_LINE = 'proxy_set_header Host $http_host;';
const socketAlone: TrustProxy = (address) => address === undefined;
/** Addresses of two machines, to the proxy. */
const [HERE, ELSEWHERE] = ['127.0.0.7', '127.0.0.8'];

interface Case extends Omit<ProxyParts, 'upstream'> {
  readonly title: string;
  readonly proxy: ProxyName;
  readonly atSocket?: true;
}

const CASES: Case[] = [
  { title: 'nginx', proxy: 'nginx' },
  { title: 'nginx without TLS', proxy: 'nginx', isPlain: true },
  { title: 'nginx, at a Unix socket', proxy: 'nginx', atSocket: true },
  {
    title: 'nginx that leaves the port out of the host',
    proxy: 'nginx',
    change: (text) => replaced(text, HOST_LINE, 'proxy_set_header Host $host;'),
  },
  {
    title: 'nginx that names the upstream as the host, and the host in X-Forwarded-Host',
    proxy: 'nginx',
    change: (text) => replaced(text, HOST_LINE, 'proxy_set_header X-Forwarded-Host $http_host;'),
  },
  {
    title:
      'nginx that writes ports behind addresses, as Azure does, and the scheme of a WebSocket, as Traefik does',
    proxy: 'nginx',
    change: (text) =>
      replaced(
        replaced(text, '$remote_addr;', '"$remote_addr:$remote_port";'),
        'X-Forwarded-Proto $scheme;',
        'X-Forwarded-Proto WSS;',
      ),
  },
  { title: 'HAProxy', proxy: 'haproxy' },
  { title: 'HAProxy without TLS', proxy: 'haproxy', isPlain: true },
  { title: 'HAProxy, at a Unix socket', proxy: 'haproxy', atSocket: true },
];

/** What an event stream has sent once its first event is there. */
async function eventsWith(url: string, headers: Record<string, string>, begin: () => void): Promise<string> {
  const outgoing = (url.startsWith('https') ? secureRequest : request)(`${url}/events`, {
    headers: { ...headers, accept: 'text/event-stream' },
    localAddress: HERE,
    rejectUnauthorized: false,
    agent: false,
  });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  begin();
  let text = '';
  for await (const chunk of response) {
    text += String(chunk);
    if (text.includes('data: ')) break;
  }
  outgoing.on('error', () => {}).destroy();
  return `${response.headers['content-type']} ${text}`;
}

describe.each(ADAPTERS)('Behind a real proxy, on %s,', (adapter) => {
  let folder: string;
  let app: LiveApp;
  let proxy: Proxy;
  let warnings: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-proxied-'));
    warnings = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((line) => void warnings.push(String(line)));
  });
  afterEach(async () => {
    await proxy.stop();
    await app.close();
    await rm(folder, { recursive: true, force: true });
    jest.restoreAllMocks();
  });

  const start = async ({ proxy: name, atSocket, ...parts }: Case): Promise<void> => {
    app = await startLiveApp(
      adapter,
      {},
      atSocket ? socketAlone : 'loopback',
      atSocket && join(folder, 'http.sock'),
    );
    proxy = await Proxy.start(name, { ...parts, upstream: app.url });
  };
  const visit = (headers: Record<string, string> = {}, from = HERE) =>
    requestVerbatim(proxy.url, '/session', { headers: { ...AGENT, ...headers }, from });
  const connect = (cookie: string, origin: string, from = HERE): Promise<LiveClient> =>
    LiveClient.connect(proxy, {
      headers: { ...AGENT, cookie, origin },
      localAddress: from,
      rejectUnauthorized: false,
    });

  it.each(CASES.map((one) => [one.title, one] as const))(
    '%s: requests, events and WebSockets',
    async (_, one) => {
      await start(one);
      const first = await visit();
      const cookie = cookieOf(first);
      expect(cookie).toMatch(one.isPlain ? /^sid=/ : /^__Host-sid=/);
      expect(JSON.parse(first.text)).toMatchObject({ ipAddress: HERE });
      expect(idIn(await visit({ cookie }))).toBe(idIn(first));
      expect(idIn(await visit({ cookie }, ELSEWHERE))).not.toBe(idIn(first));

      const event = await eventsWith(proxy.url, { ...AGENT, cookie }, () =>
        app.controller.messages.next({ data: 'while the stream is open' }),
      );
      expect(event).toMatch(/^text\/event-stream.*data: while the stream is open/s);

      const socket = await connect(cookie, proxy.url);
      expect(await socket.ask('whoami')).toEqual({ event: 'you', data: [idIn(first), idIn(first)] });
      await app.service.end({ id: idIn(first) });
      expect(await socket.closed).toMatchObject({ code: 4401 });
      expect(warnings).toEqual([expect.stringContaining('from another address')]);

      const second = cookieOf(await visit());
      await expect(connect(second, 'https://evil.example')).rejects.toThrow('refused: 403');
      await expect(connect(second, proxy.url, ELSEWHERE)).rejects.toThrow('refused: 401');
    },
    30_000,
  );

  it('nginx that names the upstream as the host, as it does by default: 403 for the own page, logged with both', async () => {
    await start({ title: '', proxy: 'nginx', change: (text) => replaced(text, HOST_LINE, '') });
    const cookie = cookieOf(await visit());
    for (let tries = 0; tries < 2; tries += 1) {
      await expect(connect(cookie, proxy.url)).rejects.toThrow('refused: 403');
    }
    expect(warnings).toEqual([expect.stringContaining(`a page of ${proxy.url} was refused`)]);
    expect(warnings[0]).toMatch(/the request's host is app\./);
  }, 30_000);
});
