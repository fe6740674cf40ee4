import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { FileApp } from '../support/file-app.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS } from '../support/http-app.js';
import type { ResourceRecord } from 'nest-sessions';

const MIB = 1024 * 1024;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const file = (bytes: number | Uint8Array<ArrayBuffer>, name = 'a.wav', type = 'audio/wav'): File =>
  new File([typeof bytes === 'number' ? Buffer.alloc(bytes, 7) : bytes], name, { type });

interface Answer {
  readonly code: string;
  readonly resource: ResourceRecord | null;
  readonly resources: ResourceRecord[];
  readonly body: Record<string, unknown>;
  readonly hasPrototype: boolean;
}
const answerOf = async (response: Response): Promise<Answer> => (await response.json()) as Answer;

describe.each(ADAPTERS)('Uploads on %s', (adapter) => {
  let app: FileApp;

  afterEach(() => app.close());

  describe('within the limits', () => {
    beforeEach(async () => {
      app = await FileApp.start(adapter, { maxBytes: 40 * MIB });
    });

    it('keeps a large file byte for byte, with its declared name and type', async () => {
      const bytes = randomBytes(12 * MIB + 12_345);
      const resource = await app.add(bytes, 'großer Klang.wav');
      expect(resource).toMatchObject({
        fileName: 'großer Klang.wav',
        mediaType: 'audio/wav',
        type: 'file',
        sizeBytes: bytes.length,
        state: 'ready',
      });
      const [stored = ''] = await app.files();
      expect(sha256(await readFile(stored))).toBe(sha256(bytes));
      expect(await app.session()).toMatchObject({ resourceCount: 1, bytesUsed: bytes.length });
    });

    it('accepts several files in one request, in their order, with their purpose', async () => {
      const response = await app.upload('/many', file(10, 'one'), file(0, 'two'), file(30, 'three'));
      const { resources } = await answerOf(response);
      expect(response.status).toBe(201);
      expect(resources.map(({ fileName, sizeBytes }) => [fileName, sizeBytes])).toEqual([
        ['one', 10],
        ['two', 0],
        ['three', 30],
      ]);
      expect(resources.every(({ purpose }) => purpose === 'a batch')).toBe(true);
      await eventually('nothing is in use any more', async () =>
        (await app.session()).resources.every(({ uses }) => uses === 0),
      );
    });

    it('passes text fields as the body, without a prototype, repeated ones as a list', async () => {
      const form = new FormData();
      form.append('language', 'de');
      form.append('tag', 'a');
      form.append('file', file(5));
      form.append('tag', 'b');
      form.append('tag', 'c');
      const response = await app.browser.fetch('/upload', { method: 'POST', body: form });
      const { body, hasPrototype } = await answerOf(response);
      expect(body).toEqual({ language: 'de', tag: ['a', 'b', 'c'] });
      expect(hasPrototype).toBe(false);
    });

    it.each(['__proto__', 'constructor', 'prototype'])('refuses a field named %s', async (name) => {
      const form = new FormData();
      form.append('file', file(5));
      form.append(name, 'x');
      const response = await app.browser.fetch('/upload', { method: 'POST', body: form });
      expect([response.status, (await answerOf(response)).code]).toEqual([400, 'UPLOAD_INVALID']);
      expect(await app.isEmpty()).toBe(true);
    });

    it('requires a file by default, and accepts an empty one', async () => {
      const form = new FormData();
      form.append('note', 'no file');
      const none = { method: 'POST', body: form };
      expect((await app.browser.fetch('/upload', none)).status).toBe(400);
      const optional = await app.browser.fetch('/optional', none);
      expect([optional.status, (await answerOf(optional)).resource]).toEqual([201, null]);
      expect((await app.add(new Uint8Array(0))).sizeBytes).toBe(0);
    });

    it('ignores an empty file input', async () => {
      const response = await app.upload('/optional', new File([], '', { type: 'application/octet-stream' }));
      expect([response.status, (await answerOf(response)).resource]).toEqual([201, null]);
      expect(await app.isEmpty()).toBe(true);
      const nameless = await app.upload('/optional', new File(['x'], '', { type: 'audio/wav' }));
      expect((await answerOf(nameless)).resource).toMatchObject({ fileName: null, sizeBytes: 1 });
    });

    it.each([
      ['audio/x-wav', 201],
      ['text/csv', 201],
      ['text/csv2', 415],
      ['text/html', 415],
    ])('answers, on a route with media types, %s with %i', async (type, status) => {
      const response = await app.upload('/audio', file(5, 'x', type));
      expect(response.status).toBe(status);
      expect(await app.isEmpty()).toBe(status !== 201);
    });

    it.each([
      ['/throws', 3],
      ['/pipe', 1],
    ])('releases the files when a later step fails (%s)', async (path, count) => {
      const released: string[] = [];
      app.service.events.on('resource.released', ({ resourceId }) => void released.push(resourceId));
      const response = await app.upload(path, ...Array.from({ length: count }, () => file(1000)));
      expect(response.status).toBe(400);
      expect(await app.isEmpty()).toBe(true);
      expect(released).toHaveLength(count);
    });

    it('refuses a body that is not multipart, or compressed', async () => {
      const json = await app.browser.fetch('/upload', {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      });
      expect([json.status, (await answerOf(json)).code]).toEqual([415, 'UPLOAD_UNSUPPORTED']);
      const form = new FormData();
      form.append('file', file(5));
      const packed = await app.browser.fetch('/upload', {
        method: 'POST',
        body: form,
        headers: { 'content-encoding': 'gzip' },
      });
      expect([packed.status, (await answerOf(packed)).code]).toEqual([415, 'UPLOAD_UNSUPPORTED']);
      expect(await app.isEmpty()).toBe(true);
    });
  });

  describe('at the limits', () => {
    it('accepts a file of exactly the limit, and refuses one byte more', async () => {
      app = await FileApp.start(adapter, { maxBytes: 3 * MIB });
      const over = await app.upload('/upload', file(3 * MIB + 1));
      expect([over.status, (await answerOf(over)).code]).toEqual([413, 'RESOURCE_TOO_LARGE']);
      expect(await app.isEmpty()).toBe(true);
      expect((await app.add(Buffer.alloc(3 * MIB))).sizeBytes).toBe(3 * MIB);
    });

    it('refuses a file over the limit of the route', async () => {
      app = await FileApp.start(adapter);
      expect((await app.upload('/small', file(1001))).status).toBe(413);
      expect(await app.isEmpty()).toBe(true);
      expect((await app.upload('/small', file(1000))).status).toBe(201);
    });

    it('counts one refusal for a file, however many of its bytes still arrive', async () => {
      app = await FileApp.start(adapter);
      let refusals = 0;
      app.service.events.on('resource.refused', () => void (refusals += 1));
      expect((await app.upload('/small', file(400_000))).status).toBe(413);
      expect(refusals).toBe(1);
    });

    it('refuses files that together exceed the limit of a session', async () => {
      app = await FileApp.start(adapter, { maxBytes: 3 * MIB });
      const response = await app.upload('/many', file(2 * MIB), file(MIB + 1));
      expect([response.status, (await answerOf(response)).code]).toEqual([413, 'RESOURCE_TOO_LARGE']);
      expect(await app.isEmpty()).toBe(true);
    });

    it('never evicts one file of a request for the next', async () => {
      app = await FileApp.start(adapter, { maxResources: 2 });
      const [one, two] = [await app.add(Buffer.alloc(10)), await app.add(Buffer.alloc(10))];
      const tooMany = await app.upload('/many', file(10), file(10), file(10));
      expect([tooMany.status, (await answerOf(tooMany)).code]).toEqual([413, 'RESOURCE_LIMIT_REACHED']);
      expect((await app.session()).resources.map(({ id }) => id)).toEqual([one.id, two.id]);
      const { resources } = await answerOf(await app.upload('/many', file(10), file(10)));
      expect((await app.session()).resources.map(({ id }) => id)).toEqual(resources.map(({ id }) => id));
    });

    it('evicts the least recently used first, by count and by bytes', async () => {
      app = await FileApp.start(adapter, { maxResources: 3, maxBytes: 3000 });
      const evicted: string[] = [];
      app.service.events.on('resource.evicted', ({ resourceId }) => void evicted.push(resourceId));
      const first = await app.add(Buffer.alloc(500));
      const second = await app.add(Buffer.alloc(500));
      const third = await app.add(Buffer.alloc(500));
      await (await app.browser.fetch(`/files/${first.id}`)).arrayBuffer();
      await eventually('the read is over', async () =>
        (await app.session()).resources.every(({ uses }) => uses === 0),
      );
      await app.add(Buffer.alloc(500));
      expect(evicted).toEqual([second.id]);
      await app.add(Buffer.alloc(2400));
      expect(evicted.slice(0, 3)).toEqual([second.id, third.id, first.id]);
      expect((await app.session()).bytesUsed).toBeLessThanOrEqual(3000);
    });

    it('answers 413 and evicts nothing if onLimit is reject', async () => {
      app = await FileApp.start(adapter, { maxResources: 1, onLimit: 'reject' });
      const kept = await app.add(Buffer.alloc(100));
      const response = await app.upload('/upload', file(10));
      expect([response.status, (await answerOf(response)).code]).toEqual([413, 'RESOURCE_LIMIT_REACHED']);
      expect((await app.session()).resources.map(({ id }) => id)).toEqual([kept.id]);
    });

    it('stays within the limits under many parallel uploads', async () => {
      app = await FileApp.start(adapter, { maxResources: 6, maxBytes: 4 * MIB });
      let most = 0;
      let isOver = false;
      const watching = (async () => {
        while (!isOver) {
          const { bytesUsed, resourceCount, incomingBytes, incomingCount } = await app.session();
          const bytes = Math.max(bytesUsed, incomingBytes) / (4 * MIB);
          most = Math.max(most, bytes, resourceCount / 6, incomingCount / 6);
          // A store in memory answers before anything else gets its turn.
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      const statuses = await Promise.all(
        Array.from({ length: 24 }, async () => (await app.upload('/upload', file(MIB + 333))).status),
      );
      isOver = true;
      await watching;
      expect(most).toBeGreaterThan(0.5);
      expect(most).toBeLessThanOrEqual(1);
      expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([]);
      expect(statuses).toContain(201);
      const { resources, bytesUsed } = await app.session();
      expect(bytesUsed).toBe(resources.length * (MIB + 333));
      expect(await app.files()).toHaveLength(resources.length);
    });
  });
});
