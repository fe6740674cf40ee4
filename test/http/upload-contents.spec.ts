import { Controller, Post, UseInterceptors } from '@nestjs/common';
import { UploadedResources, UploadInterceptor, type ResourceRecord, type UploadedFiles } from 'nest-sessions';
import { eventually } from '../support/eventually.js';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { GIF, padded, PDF, picture, PNG } from '../support/pictures.js';
import { chunk, END, filePart, headOf, RawRequest } from '../support/raw-request.js';

@Controller()
class PictureController {
  @Post('pictures')
  @UseInterceptors(UploadInterceptor('file', { contents: ['image/png', 'IMAGE/GIF'], maxFiles: 3 }))
  add(@UploadedResources() files: UploadedFiles): object {
    return { resources: files, heads: files.map(({ buffer }) => buffer.length) };
  }

  @Post('any-picture')
  @UseInterceptors(UploadInterceptor('file', { contents: ['image/*'] }))
  addAny(@UploadedResources() files: UploadedFiles): object {
    return { resources: files };
  }
}

interface Answer {
  readonly resources: ResourceRecord[];
  readonly heads: number[];
  readonly message: string;
}

describe.each(ADAPTERS)('The contents of a file on %s', (adapter) => {
  let app: FileApp;
  beforeEach(async () => {
    app = await FileApp.start(adapter, {}, undefined, [PictureController]);
  });
  afterEach(() => app.close());

  const send = async (path: string, ...files: File[]): Promise<[number, Answer]> => {
    const response = await app.upload(path, ...files);
    return [response.status, (await response.json()) as Answer];
  };

  it('are told by their first bytes, whatever the client declares; the record keeps what it declared', async () => {
    const [status, { resources, heads }] = await send(
      '/pictures',
      picture(PNG, 'text/plain'),
      picture(padded(GIF, 4101), 'image/png'),
      picture(padded(PNG, 300_000), 'application/octet-stream'),
    );
    expect([status, resources.map(({ sizeBytes }) => sizeBytes)]).toEqual([201, [PNG.length, 4101, 300_000]]);
    expect(resources.map(({ mediaType }) => mediaType)).toEqual([
      'text/plain',
      'image/png',
      'application/octet-stream',
    ]);
    expect(heads).toEqual([PNG.length, 4100, 4100]);
    expect((await send('/any-picture', picture(GIF)))[0]).toBe(201);
  });

  it.each<[what: string, bytes: Buffer, found: string]>([
    ['another type', PDF, 'application/pdf'],
    ['no known signature', Buffer.from('plain text'), 'of no known type'],
    ['no bytes', Buffer.alloc(0), 'of no known type'],
    ['a signature too late', Buffer.concat([Buffer.alloc(8, 32), PNG]), 'of no known type'],
  ])('of %s get 415, and nothing is kept, also not of the files before', async (_what, bytes, found) => {
    const [status, { message }] = await send('/pictures', picture(PNG), picture(bytes, 'image/png', 'b.png'));
    expect([status, message]).toEqual([
      415,
      `The field file accepts image/png, image/gif, but the contents of the file are ${found}.`,
    ]);
    expect(await app.isEmpty()).toBe(true);
  });

  it('are decided as soon as their first 4,100 bytes are there, before anything is stored', async () => {
    const raw = await RawRequest.open(app.port);
    const stored: number[] = [];
    app.service.events.on('resource.released', ({ sizeBytes }) => void stored.push(sizeBytes));
    raw
      .send(headOf(app.browser.cookieHeader, { 'content-length': 10_000_000 }, '/pictures'))
      .send(filePart(padded(PDF, 4200)).subarray(0, 4300));
    const answer = await raw.answer();
    raw.end();
    expect([answer.status, answer.body]).toEqual([415, expect.stringContaining('application/pdf')]);
    expect([await app.isEmpty(), stored]).toEqual([true, []]);
  });

  it('are the same in pieces of a few bytes', async () => {
    const raw = await RawRequest.open(app.port);
    raw.send(headOf(app.browser.cookieHeader, { 'transfer-encoding': 'chunked' }, '/pictures'));
    const body = Buffer.concat([filePart(padded(PNG, 6000)), filePart(GIF), END]);
    for (let at = 0; at < body.length; at += 500) {
      raw.send(chunk(body.subarray(at, at + 500)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const answer = await raw.send(chunk(Buffer.alloc(0))).answer();
    raw.end();
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
      201,
      { resources: [{ sizeBytes: 6000 }, { sizeBytes: GIF.length }] },
    ]);
  });

  it('of a client that breaks off before they are known leave nothing', async () => {
    const raw = await RawRequest.open(app.port);
    raw
      .send(headOf(app.browser.cookieHeader, { 'content-length': 10_000 }, '/pictures'))
      .send(filePart(padded(PNG, 9000)).subarray(0, 2000));
    await new Promise((resolve) => setTimeout(resolve, 50));
    raw.reset();
    await eventually('nothing is left', () => app.isEmpty());
    expect((await send('/pictures', picture(PNG)))[0]).toBe(201);
  });
});
