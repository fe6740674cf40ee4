import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Body, Controller, Headers, Post, Put, UseInterceptors } from '@nestjs/common';
import {
  RawUploadInterceptor,
  UploadedResource,
  type ReceivedFile,
  type ResourceRecord,
} from 'nest-sessions';
import { eventually } from '../support/eventually.js';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { GIF, PNG } from '../support/pictures.js';
import { chunk, headOf, RawRequest, type RawAnswer } from '../support/raw-request.js';

const MIB = 1024 * 1024;
const CHUNKED = { 'transfer-encoding': 'chunked' };
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

@Controller()
class RawController {
  @Put('raw')
  @UseInterceptors(RawUploadInterceptor({ purpose: 'raw' }))
  put(@UploadedResource() resource: ReceivedFile, @Headers('content-type') type: string): object {
    return { resource, type };
  }

  @Post('raw/named')
  @UseInterceptors(RawUploadInterceptor({ fileName: 'unnamed.bin', required: false }))
  named(@UploadedResource() resource?: ReceivedFile): object {
    return { resource: resource ?? null };
  }

  @Put('raw/picture')
  @UseInterceptors(
    RawUploadInterceptor({ contents: ['image/png'], mediaTypes: ['image/'], maxFileBytes: 1000 }),
  )
  picture(@UploadedResource() resource: ReceivedFile): object {
    return { resource };
  }

  @Post('echo')
  echo(@Body() body: unknown): object {
    return { body };
  }
}

interface Answer {
  readonly resource: ResourceRecord | null;
  readonly type: string;
  readonly code: string;
  readonly message: string;
}

describe.each(ADAPTERS)('A body that is a file, on %s', (adapter) => {
  let app: FileApp;
  let open: RawRequest[] = [];

  const start = async (options: { maxBytes?: number; uploadIdleSeconds?: number } = {}): Promise<void> => {
    app = await FileApp.start(adapter, options, undefined, [RawController]);
  };
  const put = (
    path: string,
    body: Uint8Array | undefined,
    headers: Record<string, string> = {},
    method = 'PUT',
  ): Promise<Response> =>
    app.browser.fetch(path, { method, headers, ...(body && { body: new Uint8Array(body) }) });
  const answerOf = async (response: Response): Promise<Answer> => (await response.json()) as Answer;
  const begin = async (more: Record<string, string | number>, path = '/raw'): Promise<RawRequest> => {
    const raw = await RawRequest.open(app.port);
    open.push(raw);
    const type = { 'content-type': 'application/octet-stream', ...more };
    return raw.send(headOf(app.browser.cookieHeader, type, path).replace(/^POST/, 'PUT'));
  };
  const codeOf = ({ body }: RawAnswer): string => (JSON.parse(body) as Answer).code;

  afterEach(async () => {
    for (const raw of open) raw.end();
    open = [];
    await app.close();
  });

  it('is stored byte for byte, with its declared type and name', async () => {
    await start();
    const bytes = randomBytes(3 * MIB + 123);
    const response = await put('/raw', bytes, {
      'content-type': 'audio/wav; rate=8000',
      'content-disposition': 'attachment; filename="x"; filename*=UTF-8\'\'na%C3%AFve.wav',
    });
    expect(response.status).toBe(200);
    expect(await answerOf(response)).toMatchObject({
      type: 'audio/wav; rate=8000',
      resource: {
        type: 'file',
        purpose: 'raw',
        fileName: 'naïve.wav',
        mediaType: 'audio/wav',
        sizeBytes: bytes.length,
        state: 'ready',
      },
    });
    const [stored = ''] = await app.files();
    expect(sha256(await readFile(stored))).toBe(sha256(bytes));
  });

  it.each([
    ['text/plain', 'text/plain'],
    ['text/csv; charset=utf-8', 'text/csv'],
    ['multipart/mixed; boundary=x', 'multipart/mixed'],
    ['multipart/form-data', 'multipart/form-data'],
    ['no type at all', 'no type at all'],
    ['', 'application/octet-stream'],
  ])('is a file whatever its type is: %s', async (given, stored) => {
    await start();
    const response = await put('/raw', Buffer.from('--x\r\n\r\nabc'), { 'content-type': given });
    expect((await answerOf(response)).resource).toMatchObject({ mediaType: stored, sizeBytes: 10 });
  });

  it.each([
    ['application/json', '{"a":1}'],
    ['application/x-www-form-urlencoded', 'a=1'],
  ])('of type %s is read on Fastify; on Express the app’s own parser has it: 400', async (type, text) => {
    await start();
    const response = await put('/raw', Buffer.from(text), { 'content-type': type });
    const read = [200, { resource: { mediaType: type, sizeBytes: text.length } }];
    const taken = [
      400,
      {
        code: 'UPLOAD_INVALID',
        message: expect.stringContaining('send it as application/octet-stream') as string,
      },
    ];
    expect([response.status, await answerOf(response)]).toMatchObject(adapter === 'fastify' ? read : taken);
    expect(await app.isEmpty()).toBe(adapter === 'express');
  });

  it('leaves the bodies of other routes to the parsers of the app', async () => {
    await start();
    const headers = { 'content-type': 'application/json' };
    const response = await put('/echo', Buffer.from('{"a":1}'), headers, 'POST');
    expect(await response.json()).toEqual({ body: { a: 1 } });
    const unknown = await put('/echo', Buffer.from('x'), { 'content-type': 'x/y' }, 'POST');
    expect(unknown.status).toBe(adapter === 'fastify' ? 415 : 201);
  });

  it.each<[disposition: string, stored: string]>([
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['inline; filename="a\\"b.wav"', 'a"b.wav'],
    ['attachment', 'unnamed.bin'],
    ['filename', 'unnamed.bin'],
    [';;;=', 'unnamed.bin'],
  ])('has a name, by header or option: %s', async (disposition, stored) => {
    await start();
    const headers = { 'content-disposition': disposition };
    const { resource } = await answerOf(await put('/raw/named', PNG, headers, 'POST'));
    expect(resource).toMatchObject({ fileName: stored, mediaType: 'application/octet-stream' });
  });

  it('is none without bytes and name', async () => {
    await start();
    const none = await put('/raw', undefined);
    expect([none.status, await answerOf(none)]).toMatchObject([400, { message: 'The request has no body.' }]);
    const optional = await put('/raw/named', undefined, {}, 'POST');
    expect([optional.status, (await answerOf(optional)).resource]).toEqual([201, null]);
    const raw = await begin(CHUNKED);
    expect((await raw.send(chunk(Buffer.alloc(0))).answer()).status).toBe(400);
    expect(await app.isEmpty()).toBe(true);
    const named = { 'content-disposition': 'attachment; filename=empty.txt' };
    expect((await answerOf(await put('/raw', undefined, named))).resource).toMatchObject({ sizeBytes: 0 });
  });

  it('that is declared too large gets 413 before a byte is sent; one of exactly the limit is accepted', async () => {
    await start({ maxBytes: MIB });
    const raw = await begin({ 'content-length': MIB + 1 });
    const answer = await raw.answer();
    expect([answer.status, codeOf(answer)]).toEqual([413, 'RESOURCE_TOO_LARGE']);
    expect(answer.head).toMatch(/connection: close/i);
    const exact = await put('/raw', Buffer.alloc(MIB));
    expect((await answerOf(exact)).resource).toMatchObject({ sizeBytes: MIB });
  });

  it('that grows too large gets 413, and nothing is kept', async () => {
    await start({ maxBytes: MIB });
    const raw = await begin(CHUNKED);
    const answer = await raw.send(chunk(Buffer.alloc(MIB + 1))).answer();
    expect([answer.status, codeOf(answer)]).toEqual([413, 'RESOURCE_TOO_LARGE']);
    await eventually('nothing is left', () => app.isEmpty());
  });

  it('that is compressed, or of a type that the route does not accept, gets 415', async () => {
    await start();
    const packed = await put('/raw', PNG, { 'content-encoding': 'gzip' });
    expect([packed.status, (await answerOf(packed)).code]).toEqual([415, 'UPLOAD_UNSUPPORTED']);
    const declared = await put('/raw/picture', PNG, { 'content-type': 'text/html' });
    expect([declared.status, (await answerOf(declared)).message]).toEqual([
      415,
      'This route accepts image/, not files declared as "text/html".',
    ]);
    const disguised = await put('/raw/picture', GIF, { 'content-type': 'image/png' });
    expect([disguised.status, (await answerOf(disguised)).message]).toEqual([
      415,
      'This route accepts image/png, but the contents of the file are image/gif.',
    ]);
    expect(await app.isEmpty()).toBe(true);
    expect((await put('/raw/picture', PNG, { 'content-type': 'image/png' })).status).toBe(200);
  });

  it('that stalls is aborted, and nothing is kept', async () => {
    await start({ uploadIdleSeconds: 1 });
    for (const path of ['/raw', '/raw/picture']) {
      const raw = await begin({ ...CHUNKED, 'content-type': 'image/png' }, path);
      const answer = await raw.send(chunk(PNG)).answer();
      expect([answer.status, codeOf(answer)]).toEqual([408, 'UPLOAD_ABORTED']);
      await eventually('nothing is left', () => app.isEmpty());
    }
  });

  it('that breaks off leaves nothing', async () => {
    await start();
    const raw = await begin({ 'content-length': MIB });
    raw.send(Buffer.alloc(100_000));
    await eventually('it is being written', async () => (await app.files()).length > 0);
    raw.reset();
    expect(await eventually('nothing is left', () => app.isEmpty())).toBe(true);
  });
});
