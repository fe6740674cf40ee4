import { Body, Controller, Get, Post, UseInterceptors } from '@nestjs/common';
import { hardenHttpServer, SkipSession, UploadedResource, UploadInterceptor } from 'nest-sessions';
import { ADAPTERS, startApp, type RunningApp } from '../support/http-app.js';
import { chunk, END, filePart, headOf, RawRequest } from '../support/raw-request.js';

@Controller()
class HardenedController {
  @SkipSession()
  @Get('quick')
  quick() {
    return { ok: true };
  }

  @SkipSession()
  @Post('json')
  json(@Body() body: unknown) {
    return { body };
  }

  @Post('upload')
  @UseInterceptors(UploadInterceptor('file'))
  upload(@UploadedResource() { sizeBytes }: { sizeBytes: number }) {
    return { sizeBytes };
  }
}

describe.each(ADAPTERS)('A hardened server on %s', (adapter) => {
  let app: RunningApp;
  let raw: RawRequest;
  beforeEach(async () => {
    app = await startApp(adapter, {
      controllers: [HardenedController],
      configure: (nest) =>
        hardenHttpServer(nest, {
          headersSeconds: 1,
          bodySeconds: 1,
          keepAliveSeconds: 1,
          maxRequestsPerSocket: 2,
        }),
    });
    raw = await RawRequest.open(Number(new URL(app.url).port));
  });
  afterEach(async () => {
    raw.end();
    await app.close();
  });

  /** Sends a byte at a time until the server has had enough. */
  const drip = async (byte: string, withinMs: number): Promise<boolean> => {
    const dripping = setInterval(() => raw.send(byte), 50);
    const closed = await raw.isClosed(withinMs);
    clearInterval(dripping);
    return closed;
  };
  const quick = async (): Promise<number> => (await fetch(`${app.url}/quick`)).status;

  it('closes a connection that sends nothing', async () => {
    expect(await raw.isClosed(4000)).toBe(true);
  });

  it('closes a connection whose headers never end, and serves others meanwhile', async () => {
    raw.send('GET /quick HTTP/1.1\r\nhost: a\r\nx-slow: ');
    const closing = drip('x', 4000);
    expect(await quick()).toBe(200);
    expect(await closing).toBe(true);
  });

  it('closes a connection whose body never ends: 408', async () => {
    raw.send(
      'POST /json HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n"',
    );
    const closing = drip('x', 4000);
    const answer = raw.answer(4000);
    expect(await quick()).toBe(200);
    expect(await closing).toBe(true);
    expect((await answer).status).toBe(408);
  });

  it('allows an upload any time while bytes arrive', async () => {
    raw.send(headOf('', { 'transfer-encoding': 'chunked' }));
    const body = Buffer.concat([filePart(Buffer.alloc(1000)), END]);
    for (let sent = 0; sent < body.length; sent += 100) {
      raw.send(chunk(body.subarray(sent, sent + 100)));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    raw.send('0\r\n\r\n');
    const answer = await raw.answer();
    expect([answer.status, answer.body]).toEqual([201, '{"sizeBytes":1000}']);
  });

  it('closes a connection that idles after a request', async () => {
    raw.send('GET /quick HTTP/1.1\r\nhost: a\r\n\r\n');
    expect((await raw.answer()).status).toBe(200);
    expect(await raw.isClosed(4000)).toBe(true);
  });

  it('keeps an idle connection for as long as keepAliveSeconds says, beyond headersSeconds', async () => {
    const patient = await startApp(adapter, {
      controllers: [HardenedController],
      configure: (nest) => hardenHttpServer(nest, { headersSeconds: 1, keepAliveSeconds: 60 }),
    });
    const connection = await RawRequest.open(Number(new URL(patient.url).port));
    try {
      connection.send('GET /quick HTTP/1.1\r\nhost: a\r\n\r\n');
      expect((await connection.answer()).status).toBe(200);
      expect(await connection.isClosed(3000)).toBe(false);
    } finally {
      connection.end();
      await patient.close();
    }
  });

  it('closes a connection after the maximum of requests', async () => {
    raw.send('GET /quick HTTP/1.1\r\nhost: a\r\n\r\n');
    expect((await raw.answer()).head).toMatch(/connection: keep-alive/i);
    const answered = new Promise<string>((resolve) =>
      raw.socket.once('data', (bytes: Buffer) => resolve(bytes.toString())),
    );
    raw.send('GET /quick HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(await answered).toMatch(/connection: close/i);
  });
});
