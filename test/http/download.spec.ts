import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { DownloadInterceptor, type DownloadOptions } from 'nest-sessions';
import { FileApp } from '../support/file-app.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS } from '../support/http-app.js';
import { RawRequest } from '../support/raw-request.js';

const MIB = 1024 * 1024;
const EARLY = 'Sun, 06 Nov 1994 08:49:37 GMT';
const LATE = 'Sun, 06 Nov 2094 08:49:37 GMT';
const sha256 = (bytes: ArrayBuffer | Buffer): string =>
  createHash('sha256').update(new Uint8Array(bytes)).digest('hex');

describe.each(ADAPTERS)('Downloads on %s', (adapter) => {
  let app: FileApp;

  const get = (id: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    app.browser.fetch(`/files/${id}`, { headers, method });
  const uses = async (): Promise<number> =>
    (await app.session()).resources.reduce((sum, resource) => sum + resource.uses, 0);
  const untilUnused = (): Promise<boolean> =>
    eventually('nothing is in use', async () => (await uses()) === 0, 5000);

  /** Asks for a file and reads nothing of it: far more than the buffers on the way hold. */
  const hold = async (id: string): Promise<RawRequest> => {
    const raw = await RawRequest.open(app.port);
    raw.socket.pause();
    raw.send(
      `GET /files/${id} HTTP/1.1\r\nhost: a\r\nuser-agent: test-browser\r\ncookie: ${app.browser.cookieHeader}\r\n\r\n`,
    );
    await eventually('it is being read', async () => (await uses()) > 0);
    return raw;
  };

  afterEach(() => app.close());

  describe('of a small file', () => {
    const CONTENTS = Buffer.from('0123456789');
    let id: string;

    beforeEach(async () => {
      app = await FileApp.start(adapter);
      ({ id } = await app.add(CONTENTS, 'Größe 1; x.wav'));
    });

    it('send the whole file, with headers that keep it from acting as a page', async () => {
      const response = await get(id);
      expect(response.status).toBe(200);
      expect(await response.text()).toBe('0123456789');
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'accept-ranges': 'bytes',
        'cache-control': 'private, no-store, no-transform',
        'content-disposition': `attachment; filename="Gr??e 1; x.wav"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201%3B%20x.wav`,
        'content-length': '10',
        'content-security-policy': "sandbox; default-src 'none'",
        'content-type': 'audio/wav',
        'cross-origin-resource-policy': 'same-origin',
        etag: `"${id}"`,
        'x-content-type-options': 'nosniff',
      });
      await untilUnused();
    });

    it.each([
      ['bytes=0-0', '0', 'bytes 0-0/10'],
      ['bytes=2-5', '2345', 'bytes 2-5/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=-3', '789', 'bytes 7-9/10'],
      ['bytes=-30', '0123456789', 'bytes 0-9/10'],
      ['bytes=8-99999999999999999999', '89', 'bytes 8-9/10'],
    ])('send the range %s', async (range, text, contentRange) => {
      const response = await get(id, { range });
      expect([response.status, response.headers.get('content-range')]).toEqual([206, contentRange]);
      expect(response.headers.get('content-length')).toBe(String(text.length));
      expect(await response.text()).toBe(text);
      await untilUnused();
    });

    it.each([
      'bytes',
      'bytes=',
      'bytes=a-b',
      'bytes=--1',
      'items=0-1',
      'bytes=0-1,3-4',
      'bytes=0-1,30-',
      `bytes=${'0-1,'.repeat(1000)}0-1`,
    ])('send the whole file for a malformed range, or several: %.20s', async (range) => {
      const response = await get(id, { range });
      expect([response.status, await response.text()]).toEqual([200, '0123456789']);
    });

    it.each(['bytes=10-', 'bytes=10-20', 'bytes=-0'])('answer 416 to %s', async (range) => {
      const response = await get(id, { range });
      expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */10']);
      expect(await response.json()).toMatchObject({ code: 'RANGE_NOT_SATISFIABLE' });
      expect(await uses()).toBe(0);
    });

    it('send a range only of the version that the client has', async () => {
      expect((await get(id, { range: 'bytes=1-2', 'if-range': `"${id}"` })).status).toBe(206);
      expect((await get(id, { range: 'bytes=1-2', 'if-range': '"other"' })).status).toBe(200);
      expect((await get(id, { range: 'bytes=1-2', 'if-range': `W/"${id}"` })).status).toBe(200);
      const date = (await get(id, {}, 'HEAD')).headers.get('last-modified') ?? '';
      expect((await get(id, { range: 'bytes=1-2', 'if-range': date })).status).toBe(206);
      expect((await get(id, { range: 'bytes=1-2', 'if-range': LATE })).status).toBe(200);
    });

    it.each<[status: number, headers: Record<string, string>]>([
      [200, { 'if-match': 'TAG' }],
      [200, { 'if-match': '*' }],
      [200, { 'if-match': '"other", TAG' }],
      [412, { 'if-match': '"other"' }],
      [412, { 'if-match': 'W/TAG' }],
      [412, { 'if-match': 'malformed' }],
      [200, { 'if-match': 'TAG', 'if-unmodified-since': EARLY }],
      [412, { 'if-unmodified-since': EARLY }],
      [412, { 'if-unmodified-since': 'Sunday, 06-Nov-94 08:49:37 GMT' }],
      [412, { 'if-unmodified-since': 'Sun Nov  6 08:49:37 1994' }],
      [200, { 'if-unmodified-since': LATE }],
      [200, { 'if-unmodified-since': 'yesterday' }],
      [200, { 'if-unmodified-since': '0' }],
      [304, { 'if-none-match': 'TAG' }],
      [304, { 'if-none-match': 'W/TAG' }],
      [304, { 'if-none-match': '*' }],
      [304, { 'if-none-match': '"other" , TAG' }],
      [200, { 'if-none-match': '"other"' }],
      [200, { 'if-none-match': '"other"', 'if-modified-since': LATE }],
      [304, { 'if-modified-since': LATE }],
      [200, { 'if-modified-since': EARLY }],
      [412, { 'if-match': '"other"', 'if-none-match': 'TAG' }],
      [206, { 'if-match': 'TAG', range: 'bytes=1-2' }],
      [412, { 'if-match': '"other"', range: 'bytes=1-2' }],
      [412, { 'if-match': '"other"', range: 'bytes=90-' }],
      [412, { 'if-unmodified-since': EARLY, range: 'bytes=1-2', 'if-range': 'TAG' }],
      [304, { 'if-none-match': 'TAG', range: 'bytes=1-2' }],
    ])('answer %i to %j', async (status, conditions) => {
      const headers = Object.fromEntries(
        Object.entries(conditions).map(([name, value]) => [name, value.replace('TAG', `"${id}"`)]),
      );
      const response = await get(id, headers);
      expect(response.status).toBe(status);
      const text = await response.text();
      expect(text).toContain({ 200: '0123456789', 206: '12', 304: '', 412: 'PRECONDITION_FAILED' }[status]);
      // Express gives the error a tag of its own.
      const tag = status === 412 ? response.headers.get('etag') : `"${id}"`;
      expect(response.headers.get('etag')).toBe(tag);
      const head = await get(id, headers, 'HEAD');
      expect(head.status).toBe(status === 206 ? 200 : status);
      await untilUnused();
    });

    it('answer a POST with the whole file, and with 412 if the client has it', async () => {
      expect((await get(id, { range: 'bytes=1-2' }, 'POST')).status).toBe(201);
      expect((await get(id, { 'if-none-match': `"${id}"` }, 'POST')).status).toBe(412);
      expect((await get(id, { 'if-modified-since': LATE }, 'POST')).status).toBe(201);
      await untilUnused();
    });

    it('answer HEAD with the headers alone, and leave no use behind', async () => {
      const fdsBefore = (await readdir('/proc/self/fd')).length;
      for (let round = 0; round < 20; round += 1) {
        const response = await get(id, { range: 'bytes=1-2' }, 'HEAD');
        expect([response.status, response.headers.get('content-length')]).toEqual([200, '10']);
        expect(response.headers.get('etag')).toBe(`"${id}"`);
        expect(await response.text()).toBe('');
      }
      expect(await uses()).toBe(0);
      expect((await readdir('/proc/self/fd')).length).toBeLessThan(fdsBefore + 10);
    });

    it('answer 404 for a missing resource, and for one of another session', async () => {
      const other = await fetch(`${app.url}/files/${id}`, { headers: { 'user-agent': 'somebody else' } });
      expect([other.status, await other.json()]).toMatchObject([404, { code: 'RESOURCE_GONE' }]);
      for (const wrong of ['00000000-0000-4000-8000-000000000000', 'x', '..%2f..%2fetc', '%00']) {
        expect((await get(wrong)).status).toBe(404);
      }
      await app.service.release({ id });
      expect((await get(id)).status).toBe(404);
    });

    it('send an empty file', async () => {
      const empty = await app.add(new Uint8Array(0));
      const response = await get(empty.id);
      expect([response.status, response.headers.get('content-length')]).toEqual([200, '0']);
      expect(await response.text()).toBe('');
      await untilUnused();
    });
  });

  it('never declare a type that a browser would execute', async () => {
    app = await FileApp.start(adapter);
    const told = async (type: string): Promise<string | null> =>
      (await get((await app.add(Buffer.from('<script>'), 'x', type)).id)).headers.get('content-type');
    for (const type of [
      'text/html',
      'image/svg+xml',
      'text/xml',
      'text/javascript',
      'application/xhtml+xml',
      'audio/x+xml',
      'video/svg+xml',
      'x',
    ]) {
      expect(await told(type)).toBe('application/octet-stream');
    }
    for (const type of ['image/png', 'video/webm', 'application/pdf', 'audio/webm']) {
      expect(await told(type)).toBe(type);
    }
  });

  it('show a file if the route allows it, and no browser executes its type', async () => {
    app = await FileApp.start(adapter);
    const shown = async (type: string): Promise<Headers> => {
      const { id } = await app.add(Buffer.from('x'), 'ä.x', type);
      return (await app.browser.fetch(`/shown/${id}`)).headers;
    };
    for (const type of ['audio/webm', 'video/mp4', 'image/png', 'text/plain', 'application/json']) {
      const headers = await shown(type);
      expect(headers.get('content-disposition')).toMatch(/^inline; filename/);
      expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
    for (const type of ['text/html', 'image/svg+xml', 'application/pdf', 'audio/x+xml', 'x']) {
      expect((await shown(type)).get('content-disposition')).toMatch(/^attachment; filename/);
    }
  });

  describe('of a large file', () => {
    const contents = randomBytes(24 * MIB);
    let id: string;

    beforeEach(async () => {
      app = await FileApp.start(adapter, { maxBytes: 30 * MIB });
      ({ id } = await app.add(contents));
    });

    it('protect the file from eviction: another is overdrawn until the download is over', async () => {
      const raw = await hold(id);
      const other = await app.add(Buffer.alloc(10 * MIB));
      expect(other).toMatchObject({ overdrawn: true });
      expect((await app.session()).resources.map((resource) => resource.id)).toEqual([id, other.id]);
      raw.end();
      await eventually('it has its place', async () => (await app.session()).incomingCount === 0);
      expect((await app.session()).resources.map((resource) => resource.id)).toEqual([other.id]);
    });

    it('end their use when the client disconnects, and leave no file open', async () => {
      // The first list of resources opens a connection to the database of its own.
      await app.session();
      const fdsBefore = (await readdir('/proc/self/fd')).length;
      for (let round = 0; round < 5; round += 1) {
        const raw = await hold(id);
        raw.reset();
        expect(await untilUnused()).toBe(true);
      }
      await eventually(
        'no file stays open',
        async () => (await readdir('/proc/self/fd')).length <= fdsBefore,
        5000,
      );
    });

    it('are aborted when the client stops reading', async () => {
      await app.close();
      app = await FileApp.start(adapter, { maxBytes: 30 * MIB, downloadIdleSeconds: 1 });
      ({ id } = await app.add(contents));
      const raw = await hold(id);
      expect(await untilUnused()).toBe(true);
      raw.end();
    });

    it('continue for a client that reads slowly', async () => {
      await app.close();
      app = await FileApp.start(adapter, { maxBytes: 30 * MIB, downloadIdleSeconds: 1 });
      ({ id } = await app.add(contents));
      const reader = (await get(id)).body!.getReader();
      const hash = createHash('sha256');
      let pauses = 0;
      for (let taken = 0, pausedAt = 0; ;) {
        const { done, value } = await reader.read();
        if (done) break;
        hash.update(value);
        taken += value.length;
        if (taken - pausedAt < 4 * MIB) continue;
        pausedAt = taken;
        pauses += 1;
        await new Promise((resolve) => setTimeout(resolve, 700));
      }
      expect(pauses).toBeGreaterThan(2);
      expect(hash.digest('hex')).toBe(sha256(contents));
    });

    it('complete although the file is released meanwhile', async () => {
      const response = await get(id);
      await app.service.release({ id });
      expect(sha256(await response.arrayBuffer())).toBe(sha256(contents));
      expect((await get(id)).status).toBe(404);
    });

    it('are aborted when their session ends', async () => {
      const response = await get(id);
      expect(response.status).toBe(200);
      await app.service.end({ id: app.sessionId });
      await expect(response.arrayBuffer()).rejects.toThrow('terminated');
    });
  });
});

it.each([{ disposition: 'open' }, { crossOriginResourcePolicy: '*' }])(
  'Downloads refuse the options %j',
  (options) => {
    expect(() => DownloadInterceptor.with(options as DownloadOptions)).toThrow('must be one of');
  },
);
