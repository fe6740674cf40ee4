import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BadRequestException, Controller, Inject, Post, Query, UseInterceptors } from '@nestjs/common';
import {
  SessionService,
  UploadedResource,
  UploadedResources,
  UploadInterceptor,
  type ResourceRecord,
  type UploadedFiles,
} from 'nest-sessions';
import { Browser } from '../support/browser.js';
import { filesOnDisk } from '../support/files-on-disk.js';
import { ADAPTERS, startApp, type RunningApp } from '../support/http-app.js';
import { bytesOf, RECORDINGS } from '../support/recordings.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'claimed-'));
afterAll(() => rmSync(folder, { recursive: true }));

@Controller()
class WaysOutController {
  constructor(@Inject(SessionService) private readonly service: SessionService) {}

  /** Before its file has its place. */
  @Post('claim')
  @UseInterceptors(UploadInterceptor('file'))
  async claim(@UploadedResource() upload: ResourceRecord, @Query('to') to: string): Promise<object> {
    await this.service.claim(upload, to);
    return { session_id: upload.sessionId };
  }

  /** Claims the first of its files, then fails. */
  @Post('claim-and-fail')
  @UseInterceptors(UploadInterceptor('file', { maxFiles: 2 }))
  async claimAndFail(@UploadedResources() uploads: UploadedFiles, @Query('to') to: string): Promise<never> {
    await this.service.claim(uploads[0]!, to);
    throw new BadRequestException();
  }

  @Post('seconds')
  @UseInterceptors(UploadInterceptor('file'))
  async seconds(@UploadedResource() upload: ResourceRecord): Promise<object> {
    return this.service.withFile(upload, async (path, signal) => {
      const { stdout } = await run('soxi', ['-D', path], { signal });
      return { seconds: Number(stdout), path };
    });
  }
}

describe.each(ADAPTERS)('Ways out on %s', (adapter) => {
  let app: RunningApp;
  let browser: Browser;
  beforeEach(async () => {
    app = await startApp(adapter, { controllers: [WaysOutController], options: { claimTo: [folder] } });
    browser = new Browser(app.url);
  });
  afterEach(() => app.close());

  const post = async (path: string, ...files: File[]): Promise<{ status: number; body: Answer }> => {
    const form = new FormData();
    for (const file of files) form.append('file', file);
    const response = await browser.fetch(path, { method: 'POST', body: form });
    return { status: response.status, body: (await response.json()) as Answer };
  };
  interface Answer {
    readonly session_id?: string;
    readonly code?: string;
    readonly seconds?: number;
    readonly path?: string;
  }
  const file = (text: string): File => new File([text], 'a.wav', { type: 'audio/wav' });
  const claimPath = (name: string): string => join(folder, `${adapter}-${name}`);
  const to = (path: string): string => `?to=${encodeURIComponent(path)}`;

  it('an upload handler claims its file: it never is one of the session', async () => {
    const path = claimPath('upload.wav');
    const { status, body } = await post(`/claim${to(path)}`, file('spoken'));
    expect(status).toBe(201);
    expect(readFileSync(path, 'utf8')).toBe('spoken');
    const details = await app.app.get(SessionService).describe({ id: body.session_id ?? '' });
    expect(details).toMatchObject({ resourceCount: 0, bytesUsed: 0, incomingCount: 0, incomingBytes: 0 });
    expect(await filesOnDisk(app.storagePath)).toEqual([]);
  });

  it('a claimed file stays when the handler fails; the others go', async () => {
    const path = claimPath('failed.wav');
    expect(await post(`/claim-and-fail${to(path)}`, file('first'), file('second'))).toMatchObject({
      status: 400,
    });
    expect(readFileSync(path, 'utf8')).toBe('first');
    expect(await filesOnDisk(app.storagePath)).toEqual([]);
  });

  it('a path that exists gets 409, one outside gets 400, and nothing changes', async () => {
    const path = claimPath('mine.wav');
    writeFileSync(path, 'mine');
    const before = readdirSync(folder);
    expect(await post(`/claim${to(path)}`, file('x'))).toMatchObject({
      status: 409,
      body: { code: 'FILE_EXISTS' },
    });
    const outside = ['/etc/claimed', join(app.storagePath, 'x'), `${folder}/../x`, '', `${folder}/nul\0`];
    for (const bad of outside) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const answer = await post(`/claim${to(bad)}`, file('x'));
      expect([bad, answer]).toMatchObject([bad, { status: 400, body: { code: 'INVALID_ARGUMENT' } }]);
    }
    expect(await post('/claim', file('x'))).toMatchObject({ status: 400 });
    expect([readFileSync(path, 'utf8'), readdirSync(folder)]).toEqual(['mine', before]);
    expect(await filesOnDisk(app.storagePath)).toEqual([]);
  });

  it('a program reads the file under a path with the extension of its type', async () => {
    const wav = RECORDINGS.find(({ name }) => name === 'hello-en.wav')!;
    const bytes = new Uint8Array(await bytesOf(wav.name));
    // A name that would mislead the program.
    const upload = new File([bytes], 'a.mp3', { type: wav.mediaType });
    const { status, body } = await post('/seconds', upload);
    expect(status).toBe(201);
    expect(body.seconds).toBeCloseTo(wav.seconds ?? 0, 2);
    expect(body.path).toMatch(/\/tmp\/[0-9a-f-]+\.wav$/);
    expect(readdirSync(join(app.storagePath, 'tmp'))).toEqual([]);
  });
});
