import { stat } from 'node:fs/promises';
import { Controller, Sse, type MessageEvent } from '@nestjs/common';
import { CurrentSession, type Session } from 'nest-sessions';
import { Subject, type Observable } from 'rxjs';
import { SessionsCore } from '#sessions/core/core';
import type { JournalEntry, TransferEntry } from '#sessions/domain/journal/entry';
import { EventStream } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { END, filePart, headOf, RawRequest } from '../support/raw-request.js';

const MIB = 1024 * 1024;
const KINDS = new Set<JournalEntry['kind']>(['upload', 'download', 'stream']);

@Controller()
class EventController {
  readonly messages = new Subject<MessageEvent>();

  @Sse('events')
  events(@CurrentSession() _session: Session): Observable<MessageEvent> {
    return this.messages;
  }
}

describe.each(ADAPTERS)('Transfers in timelines on %s', (adapter) => {
  let app: FileApp;

  async function start(journal: 'deeds' | 'requests' = 'requests'): Promise<void> {
    app = await FileApp.start(adapter, { store: 'memory', journal, maxBytes: 64 * MIB }, undefined, [
      EventController,
    ]);
  }
  afterEach(() => app.close());

  async function transfers(): Promise<TransferEntry[]> {
    const { entries, store } = app.get(SessionsCore);
    await entries.flush();
    const page = await store.journal.read(app.sessionId, 1000);
    return page.entries.filter((entry) => KINDS.has(entry.kind)) as TransferEntry[];
  }
  const untilTransfers = (count: number): Promise<TransferEntry[]> =>
    eventually('the transfers are entered', async () => {
      const found = await transfers();
      return found.length >= count && found;
    });

  /** A form of which `bytes` of its file have arrived. */
  async function uploading(bytes: number): Promise<RawRequest> {
    const before = (await app.files()).length;
    const raw = await RawRequest.open(app.port);
    const body = filePart(Buffer.alloc(bytes));
    raw.send(headOf(app.browser.cookieHeader, { 'content-length': body.length + 5 * MIB })).send(body);
    await eventually('its bytes are written', async () => {
      const files = await app.files();
      const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
      return files.length > before && sizes.every((size) => size > 0);
    });
    return raw;
  }

  async function listening(): Promise<EventStream> {
    const headers = { cookie: app.browser.cookieHeader, 'user-agent': 'test-browser' };
    const stream = new EventStream(await fetch(`${app.url}/events`, { headers }));
    const { messages } = app.get(EventController);
    await eventually('its handler is subscribed to', async () => messages.observed);
    return stream;
  }

  /** A download of which the client reads nothing. */
  async function downloading(id: string): Promise<RawRequest> {
    const raw = await RawRequest.open(app.port);
    raw.socket.pause();
    const { cookieHeader } = app.browser;
    raw.send(
      `GET /files/${id} HTTP/1.1\r\nhost: a\r\nuser-agent: test-browser\r\ncookie: ${cookieHeader}\r\n\r\n`,
    );
    await eventually('it is read', async () => (await app.session()).resources.some(({ uses }) => uses > 0));
    return raw;
  }

  it('are files that came in and went out whole, and a part: with id, bytes and time', async () => {
    await start();
    const { id } = await app.add(Buffer.alloc(5000));
    await (await app.browser.fetch(`/files/${id}`)).arrayBuffer();
    await (await app.browser.fetch(`/files/${id}`, { headers: { range: 'bytes=0-99' } })).arrayBuffer();
    await app.browser.fetch(`/files/${id}`, { method: 'HEAD' });
    const found = await untilTransfers(3);
    expect(found).toEqual(
      [
        ['upload', 5000],
        ['download', 5000],
        ['download', 100],
      ].map(([kind, bytes]) => ({
        at: expect.any(Number) as unknown,
        kind,
        resourceId: id,
        bytes,
        durationMs: expect.any(Number) as unknown,
        outcome: 'complete',
      })),
    );
  });

  it('are uploads that the client broke off, with what had arrived', async () => {
    await start();
    (await uploading(200_000)).reset();
    const [upload] = await untilTransfers(1);
    expect(upload).toMatchObject({
      kind: 'upload',
      outcome: 'aborted',
      bytes: expect.any(Number) as unknown,
    });
    expect(upload?.bytes).toBeGreaterThan(0);
    expect(upload?.bytes).toBeLessThanOrEqual(200_000);
  });

  it('are uploads that were refused, and those of a request that failed after its files had come', async () => {
    await start();
    expect((await app.upload('/small', new File([Buffer.alloc(2000)], 'a.bin'))).status).toBe(413);
    expect((await app.upload('/throws', new File([Buffer.alloc(10)], 'a.bin'))).status).toBe(400);
    expect(await untilTransfers(2)).toMatchObject([
      { kind: 'upload', outcome: 'failed' },
      { kind: 'upload', outcome: 'complete', bytes: 10 },
    ]);
  });

  it('are cut off by the end of the session: an upload, a download, an event stream', async () => {
    await start();
    const { id } = await app.add(Buffer.alloc(16 * MIB));
    const download = await downloading(id);
    const events = await listening();
    const upload = await uploading(100_000);
    // Until the kernel takes no more of the download, which then waits for its client.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await app.service.end({ id: app.sessionId }, 'admin');
    const found = (await untilTransfers(4)).filter(({ outcome }) => outcome !== 'complete');
    expect(found.map(({ kind, outcome }) => `${kind} ${outcome}`).toSorted()).toEqual([
      'download cut_off',
      'stream cut_off',
      'upload cut_off',
    ]);
    const sent = found.find(({ kind }) => kind === 'download')?.bytes ?? 0;
    expect(sent).toBeLessThan(16 * MIB);
    for (const raw of [download, upload]) raw.end();
    await events.close();
  });

  it('are downloads that the client broke off, with what it had taken at most', async () => {
    await start();
    const { id } = await app.add(Buffer.alloc(16 * MIB));
    (await downloading(id)).reset();
    const [, download] = await untilTransfers(2);
    expect(download).toMatchObject({ kind: 'download', resourceId: id, outcome: 'aborted' });
    expect(download?.bytes).toBeLessThan(16 * MIB);
  });

  it('are streams that their clients closed, with what was sent', async () => {
    await start();
    const events = await listening();
    app.get(EventController).messages.next({ data: 'x'.repeat(3000) });
    await events.next();
    await events.close();
    const [stream] = await untilTransfers(1);
    expect(stream).toMatchObject({ kind: 'stream', outcome: 'complete' });
    expect(stream?.bytes).toBeGreaterThan(3000);
    expect(stream?.bytes).toBeLessThan(6000);
  });

  it('are not entered with the deeds alone', async () => {
    await start('deeds');
    const { id } = await app.add(Buffer.alloc(10));
    await (await app.browser.fetch(`/files/${id}`)).arrayBuffer();
    expect(await transfers()).toEqual([]);
  });

  it('of a form count each file, without what is between them', async () => {
    await start();
    const raw = await RawRequest.open(app.port);
    const body = Buffer.concat([filePart(Buffer.alloc(300)), filePart(Buffer.alloc(20)), END]);
    raw.send(headOf(app.browser.cookieHeader, { 'content-length': body.length }, '/many')).send(body);
    expect((await raw.answer()).status).toBe(201);
    raw.end();
    expect((await untilTransfers(2)).map(({ bytes }) => bytes)).toEqual([300, 20]);
  });
});
