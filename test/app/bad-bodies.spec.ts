import { once } from 'node:events';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { ADAPTERS } from '../support/http-app.js';
import { AppProcess } from '../support/app-process.js';

const JSON_TYPE = { 'content-type': 'application/json' };

/** Bodies that no page of ours sends, for `POST /speech`. */
const NASTY: readonly [what: string, body: string | Buffer, headers?: Record<string, string>][] = [
  ['an empty body', ''],
  ['text that is not JSON', 'hello'],
  ['an open brace', '{'],
  ['null', 'null'],
  ['a number', '1e400'],
  ['a list', '[{"text":"hello"}]'],
  ['50,000 nested lists', '['.repeat(50_000) + ']'.repeat(50_000)],
  ['a text of 45,000 nested lists', `{"text":${'['.repeat(45_000)}${']'.repeat(45_000)}}`],
  ['200 KB', JSON.stringify({ text: 'x'.repeat(200_000) })],
  ['__proto__', '{"text":"hello","__proto__":{"text":"evil"}}'],
  ['constructor', '{"text":"hello","constructor":{"prototype":{"polluted":true}}}'],
  ['an unknown key', '{"text":"hello","admin":true}'],
  ['a repeated key, the last one invalid', '{"text":"hello","text":7}'],
  ['a NUL', '{"text":"a\\u0000b"}'],
  ['half a character', '{"text":"\\ud800"}'],
  ['an unknown character set', '{"text":"hello"}', { 'content-type': 'application/json; charset=utf-99' }],
  ['an unknown encoding', '{"text":"hello"}', { ...JSON_TYPE, 'content-encoding': 'rot13' }],
  ['garbage for gzip', 'not gzip', { ...JSON_TYPE, 'content-encoding': 'gzip' }],
  ['a gzip bomb', gzipSync(Buffer.alloc(5_000_000, 0x20)), { ...JSON_TYPE, 'content-encoding': 'gzip' }],
  ['JSON declared as text', '{"text":"hello"}', { 'content-type': 'text/plain' }],
  ['a form', 'text=hello', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['no media type', '{"text":"hello"}', {}],
  ['multipart for JSON', '--x\r\n\r\nhello\r\n--x--', { 'content-type': 'multipart/form-data; boundary=x' }],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x80, 0x7d])],
];

interface Answer {
  status: number;
  text: string;
}

function post(
  url: string,
  path: string,
  body: string | Buffer,
  headers: Record<string, string>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), {
      method: 'POST',
      headers: { 'user-agent': 'nasty', ...headers },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.end(body);
  });
}

describe.each(ADAPTERS)('bad bodies, on %s', (adapter) => {
  let app: AppProcess;

  beforeAll(async () => {
    app = await AppProcess.start(adapter, {
      SESSION_OPEN_RATE: '0',
      SESSION_MAX_UNCONFIRMED_PER_NETWORK: '0',
    });
  });
  afterAll(() => app.destroy());

  it.each(NASTY)('%s: a plain 4xx', async (_what, body, headers = JSON_TYPE) => {
    const { status, text } = await post(app.url, '/speech', body, headers);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(text.length).toBeLessThan(600);
    expect(text).not.toMatch(/ at .*\.js|node_modules|evil|utf-99|rot13/i);
  });

  it.each(NASTY)('%s, sent as a recording: a plain 4xx', async (_what, body, headers = JSON_TYPE) => {
    const { status, text } = await post(app.url, '/audio', body, headers);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(text).not.toMatch(/ at .*\.js|node_modules/);
  });

  it.each([
    '/resources/..%2f..%2fetc%2fpasswd',
    '/resources/%00',
    '/resources/%E0%A4%A',
    `/resources/${'a'.repeat(10_000)}`,
    '/resources/__proto__',
    '/audio/..%2fx/waveform',
    '/audio/00000000-0000-4000-8000-000000000000/waveform',
    '/resources/00000000-0000-4000-8000-000000000000.',
    '//resources//',
  ])('path %s: a plain 4xx', async (path) => {
    const response = await fetch(`${app.url}${path}`);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(await response.text()).not.toMatch(/ at .*\.js|node_modules/);
  });

  it.each([
    ['/speech', 'application/json', '{"text":'],
    ['/audio', 'multipart/form-data; boundary=x', '--x\r\n'],
  ])('%s: serves on after a body that breaks off', async (path, type, start) => {
    const headers = { 'content-type': type, 'content-length': '99', expect: '100-continue' };
    const sent = request(new URL(path, app.url), { method: 'POST', headers });
    sent.on('error', () => {});
    sent.flushHeaders();
    await once(sent, 'continue');
    await new Promise((resolve) => sent.write(start, resolve));
    sent.destroy();
    expect((await fetch(`${app.url}/health`)).status).toBe(200);
  });

  it('logs no error, and still serves', async () => {
    expect(app.log).not.toMatch(/ERROR/);
    expect((await fetch(`${app.url}/health`)).status).toBe(200);
  });
});
