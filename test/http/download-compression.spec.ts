import fastifyCompress from '@fastify/compress';
import type { INestApplication } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import compression from 'compression';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { requestVerbatim, type VerbatimResponse } from '../support/verbatim-request.js';

const TEXT = Buffer.from('All work and no play. '.repeat(2000));

/** The middleware that each framework's users add; it compresses whatever its type. */
const compress = {
  express: (app: INestApplication): void => void app.use(compression({ threshold: 0, filter: () => true })),
  fastify: async (app: INestApplication): Promise<void> => {
    await (app as NestFastifyApplication).register(fastifyCompress, { threshold: 0 });
  },
};

describe.each(ADAPTERS)('Compression on %s', (adapter) => {
  let app: FileApp;
  let id: string;

  beforeAll(async () => {
    app = await FileApp.start(adapter, {}, compress[adapter]);
    ({ id } = await app.add(TEXT, 'play.txt', 'text/plain'));
  });
  afterAll(() => app.close());

  const get = (path: string, headers: Record<string, string> = {}): Promise<VerbatimResponse> =>
    requestVerbatim(app.url, path, {
      headers: {
        'accept-encoding': 'gzip',
        cookie: app.browser.cookieHeader,
        'user-agent': 'test-browser',
        ...headers,
      },
    });

  it('works on other responses', async () => {
    const { status, headers } = await get('/files/unknown');
    expect([status, headers['content-encoding']]).toEqual([404, 'gzip']);
  });

  it('leaves a download as it is stored', async () => {
    const { status, headers, text } = await get(`/files/${id}`);
    expect([status, headers['content-encoding'], headers.etag]).toEqual([200, undefined, `"${id}"`]);
    expect(headers['content-length']).toBe(String(TEXT.length));
    expect(text).toBe(TEXT.toString());
  });

  it('leaves a range as it is stored', async () => {
    const { status, headers, text } = await get(`/files/${id}`, { range: 'bytes=4-5003' });
    expect([status, headers['content-encoding']]).toEqual([206, undefined]);
    expect(headers['content-range']).toBe(`bytes 4-5003/${TEXT.length}`);
    expect(headers['content-length']).toBe('5000');
    expect(text).toBe(TEXT.toString('utf8', 4, 5004));
  });
});
