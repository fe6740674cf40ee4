import { stat } from 'node:fs/promises';
import { Controller, Put, UseInterceptors } from '@nestjs/common';
import { RawUploadInterceptor, UploadedResource, type ReceivedFile, type SessionEvents } from 'nest-sessions';
import { ManualClock } from 'nest-sessions/testing';
import { eventually } from '../support/eventually.js';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { chunk, END, filePart, headOf, RawRequest } from '../support/raw-request.js';

@Controller()
class RawController {
  @Put('raw')
  @UseInterceptors(RawUploadInterceptor())
  put(@UploadedResource() { id }: ReceivedFile): object {
    return { id };
  }
}

describe.each(ADAPTERS)('The progress of an upload on %s', (adapter) => {
  let app: FileApp;
  let clock: ManualClock;
  let seen: SessionEvents['upload.progress'][];
  let unsubscribe: () => void;

  beforeEach(async () => {
    clock = new ManualClock();
    app = await FileApp.start(adapter, { store: 'memory', adapters: { clock } }, undefined, [RawController]);
    seen = [];
    unsubscribe = app.service.events.on('upload.progress', (event) => void seen.push(event));
  });
  afterEach(() => app.close());

  /** Sends bytes; resolves when the server has stored `stored` in all. */
  const sendOn = async (raw: RawRequest, bytes: number, stored: number): Promise<void> => {
    raw.send(Buffer.alloc(bytes));
    await eventually('the bytes are stored', async () => {
      const [path] = await app.files();
      return path !== undefined && (await stat(path)).size === stored;
    });
  };

  it('of a raw body is told at most every 250 ms, and at its end, with the declared length', async () => {
    const raw = await RawRequest.open(app.port);
    const head = { 'content-type': 'a/b', 'content-length': 5000 };
    raw.send(headOf(app.browser.cookieHeader, head, '/raw').replace('POST', 'PUT'));
    await sendOn(raw, 1000, 1000);
    expect(seen).toEqual([]);
    clock.advance(249);
    await sendOn(raw, 1000, 2000);
    expect(seen).toEqual([]);
    clock.advance(1);
    await sendOn(raw, 1000, 3000);
    await sendOn(raw, 1000, 4000);
    expect(seen.map(({ receivedBytes }) => receivedBytes)).toEqual([3000]);
    raw.send(Buffer.alloc(1000));
    const answer = await raw.answer();
    raw.end();
    const event = {
      sessionId: app.sessionId,
      resourceId: (JSON.parse(answer.body) as { id: string }).id,
      totalBytes: 5000,
    };
    expect(seen).toEqual([
      { ...event, receivedBytes: 3000 },
      { ...event, receivedBytes: 5000 },
    ]);
  });

  it('of a form counts its whole body, without a total if its length is not declared', async () => {
    const raw = await RawRequest.open(app.port);
    raw.send(headOf(app.browser.cookieHeader, { 'transfer-encoding': 'chunked' }));
    const body = Buffer.concat([filePart(Buffer.alloc(3000)), END]);
    raw.send(chunk(body)).send(chunk(Buffer.alloc(0)));
    const answer = await raw.answer();
    raw.end();
    const { resource } = JSON.parse(answer.body) as { resource: { id: string } };
    expect(seen).toEqual([
      { sessionId: app.sessionId, resourceId: resource.id, receivedBytes: body.length, totalBytes: null },
    ]);
  });

  it('of an upload that fails has no end', async () => {
    const response = await app.upload('/small', new File([new Uint8Array(2000)], 'a'));
    expect([response.status, seen]).toEqual([413, []]);
  });

  it('is told to nobody who has unsubscribed', async () => {
    unsubscribe();
    await app.add(new Uint8Array(100));
    expect(seen).toEqual([]);
  });
});
