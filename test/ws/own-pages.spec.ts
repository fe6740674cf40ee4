import { Logger } from '@nestjs/common';
import { ADAPTERS } from '../support/http-app.js';
import { LiveClient, startLiveApp, type LiveApp } from './live-app.js';

type Row = [host: string, origin: string, isOwn: boolean];

const BY_HOST: Row[] = [
  ['app.example.com:8080', 'http://app.example.com:8080', true],
  ['app.example.com:8080', 'https://APP.example.com:8080', true],
  ['app.example.com:443', 'https://app.example.com', true],
  ['app.example.com:443', 'http://app.example.com', false],
  ['app.example.com:8080', 'http://app.example.com', false],
  ['app.example.com:8080', 'http://app.example.com:8081', false],
  ['app.example.com:8080', 'http://www.example.com:8080', false],
  // A proxy that leaves out the port: `proxy_set_header Host $host`.
  ['app.example.com', 'https://app.example.com', true],
  ['app.example.com', 'http://app.example.com:8080', true],
  ['app.example.com', 'https://app.example.com:8443', true],
  ['app.example.com', 'https://evil.example', false],
  ['app.example.com', 'https://app.example.com.evil.example', false],
  ['app.example.com', 'https://app.example.com@evil.example', false],
  ['[2001:db8::1]', 'http://[2001:db8:0::1]:8080', true],
  ['[2001:db8::1]:8080', 'http://[2001:db8::1]:8080', true],
  ['[2001:db8::1]:8080', 'http://[2001:db8::1]:8081', false],
  // A bare `proxy_pass` names the upstream.
  ['127.0.0.1:5005', 'https://app.example.com', false],
  ['evil@app.example.com', 'https://app.example.com', false],
  ['app.example.com/x', 'https://app.example.com', false],
  ['', 'https://app.example.com', false],
  ['app.example.com', 'null', false],
  ['app.example.com', 'app.example.com', false],
];

describe.each(ADAPTERS)('The origin of a WebSocket on %s', (adapter) => {
  const MINUTE = 60_000;
  let app: LiveApp;
  let warnings: string[];
  beforeEach(() => {
    warnings = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((line) => void warnings.push(String(line)));
  });
  afterEach(async () => {
    await app.close();
    jest.restoreAllMocks();
  });

  const connect = async (headers: Record<string, string>): Promise<string> => {
    const visitor = await app.visitor();
    return LiveClient.connect(app, { headers: { ...visitor.headers, ...headers } }).then(
      ({ socket }) => {
        socket.terminate();
        return 'connected';
      },
      ({ message }: Error) => message,
    );
  };
  const outcome = (isOwn: boolean): string => (isOwn ? 'connected' : 'refused: 403');

  it('is compared with the host: by name and port, or by name alone where the host names no port', async () => {
    app = await startLiveApp(adapter);
    for (const [host, origin, isOwn] of BY_HOST) {
      expect([host, origin, await connect({ host, origin })]).toEqual([host, origin, outcome(isOwn)]);
    }
  });

  it('is compared with X-Forwarded-Host of a trusted proxy instead', async () => {
    app = await startLiveApp(adapter, {}, 'loopback');
    for (const [forwarded, origin, isOwn] of BY_HOST.filter(([host]) => host !== '')) {
      const headers = { host: '127.0.0.1:5005', 'x-forwarded-host': forwarded, origin };
      expect([forwarded, origin, await connect(headers)]).toEqual([forwarded, origin, outcome(isOwn)]);
    }
    const two = { host: 'app', 'x-forwarded-host': 'first.example, last.example' };
    const isFirst = adapter === 'express';
    expect(await connect({ ...two, origin: 'http://first.example' })).toBe(outcome(isFirst));
    expect(await connect({ ...two, origin: 'http://last.example' })).toBe(outcome(!isFirst));
    expect(await connect({ ...two, origin: 'http://app' })).toBe('refused: 403');
  });

  it('is not compared with X-Forwarded-Host of a sender that is not trusted', async () => {
    app = await startLiveApp(adapter);
    const headers = { host: '127.0.0.1:5005', 'x-forwarded-host': 'evil.example' };
    expect(await connect({ ...headers, origin: 'http://evil.example' })).toBe('refused: 403');
    expect(await connect({ ...headers, origin: 'http://127.0.0.1:5005' })).toBe('connected');
  });

  it('is logged with the host when it is refused, once a minute', async () => {
    app = await startLiveApp(adapter);
    const refused = { host: '127.0.0.1:5005', origin: 'https://app.example.com:8443' };
    for (let tries = 0; tries < 3; tries += 1) await connect(refused);
    expect(warnings).toEqual([
      expect.stringMatching(/app\.example\.com:8443 was .* host is 127\.0\.0\.1:5005\b/),
    ]);
    expect(warnings[0]).toContain('$http_host');
    expect(warnings[0]).toContain('allowedOrigins');
    app.clock.advance(MINUTE);
    await connect({ ...refused, origin: `http://${'x'.repeat(5000)}\u009b2J` });
    expect(warnings).toHaveLength(2);
    expect(warnings[1]!.length).toBeLessThan(1200);
    expect(warnings[1]).not.toContain('\u009b');
  });
});
