import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { resolveConfig, type SessionsOptions } from 'nest-sessions';
import { eventually } from '../support/eventually.js';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { chunk, END, filePart, headOf, RawRequest } from '../support/raw-request.js';
import { RedisServer } from '../support/redis-servers.js';

const KIB = 1024;
const LIMITS = { maxResources: 4, maxBytes: 400 * KIB } as const;
const CHUNKED = { 'transfer-encoding': 'chunked' } as const;
const STORES = ['sqlite', 'redis'] as const;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const file = (bytes: number, type = 'audio/wav'): File =>
  new File([new Uint8Array(bytes)], 'new.wav', { type });

/** What fails before the handler has returned: what is answered, `null` for nothing. */
type Failure = (app: FileApp) => Promise<number | null>;

async function upload(app: FileApp, path: string, ...files: File[]): Promise<number> {
  return (await app.upload(path, ...files)).status;
}

/** Sends a body in chunks; what is answered. */
async function send(app: FileApp, body: Buffer, path?: string): Promise<number> {
  const raw = await RawRequest.open(app.port);
  raw
    .send(headOf(app.browser.cookieHeader, CHUNKED, path))
    .send(chunk(body))
    .send('0\r\n\r\n');
  const { status } = await raw.answer();
  raw.end();
  return status;
}

/** Breaks off after so many tenths of a body. */
const brokenOff =
  (tenths: number): Failure =>
  async (app) => {
    const body = Buffer.concat([filePart(Buffer.alloc(350 * KIB)), END]);
    const raw = await RawRequest.open(app.port);
    raw.send(headOf(app.browser.cookieHeader, { 'content-length': body.length }));
    await new Promise((resolve) =>
      raw.socket.write(body.subarray(0, Math.floor((body.length * tenths) / 10)), resolve),
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    raw.reset();
    return null;
  };

const FAILURES: readonly [name: string, status: number | null, fail: Failure][] = [
  ['is larger than a session, declared', 413, (app) => upload(app, '/upload', file(LIMITS.maxBytes + 1))],
  ['is far larger, declared', 413, (app) => upload(app, '/upload', file(LIMITS.maxBytes + 2 * KIB * KIB))],
  [
    'grows too large in chunks',
    413,
    (app) => send(app, Buffer.concat([filePart(Buffer.alloc(LIMITS.maxBytes + 1)), END])),
  ],
  ['is larger than its route takes', 413, (app) => upload(app, '/small', file(1001))],
  [
    'has a type that its route does not take',
    415,
    (app) => upload(app, '/audio', file(300 * KIB, 'text/html')),
  ],
  ['is refused by its handler, which has read it', 415, (app) => upload(app, '/no-audio', file(300 * KIB))],
  ['fails in its handler', 400, (app) => upload(app, '/throws', file(300 * KIB))],
  ['fails in its handler, of three', 400, (app) => upload(app, '/throws', file(KIB), file(KIB), file(KIB))],
  ['does not pass a pipe', 400, (app) => upload(app, '/pipe', file(300 * KIB))],
  ['does not pass a DTO', 400, (app) => upload(app, '/dto', file(300 * KIB))],
  ['is answered with an error by its handler itself', 422, (app) => byItself(app, 422)],
  [
    'has a third file that is too large',
    413,
    (app) => upload(app, '/many', file(150 * KIB), file(150 * KIB), file(150 * KIB)),
  ],
  ['has more files than fit', 400, (app) => upload(app, '/many', file(1), file(1), file(1), file(1))],
  [
    'has a malformed part after its file',
    400,
    (app) =>
      send(
        app,
        Buffer.concat([filePart('one'), filePart('two', 'name="other"; filename="x"'), END]),
        '/many',
      ),
  ],
  ['has no end', 400, (app) => send(app, filePart(Buffer.alloc(300 * KIB)))],
  ['finds the disk full', 507, onFullDisk],
  ['has a token that was replaced meanwhile', 409, whileLoggedIn],
  ...Array.from({ length: 10 }, (_, tenths): [string, null, Failure] => [
    `breaks off after ${tenths} tenths`,
    null,
    brokenOff(tenths),
  ]),
];

async function byItself(app: FileApp, status: number): Promise<number> {
  const form = new FormData();
  form.append('status', String(status));
  form.append('file', file(300 * KIB));
  return (await app.browser.fetch('/by-itself', { method: 'POST', body: form })).status;
}

/** Somebody else fills the disk while the file is coming in: to the last byte but what the store needs. */
async function onFullDisk(app: FileApp): Promise<number> {
  const hog = join(app.storagePath, '..', 'hog');
  const { bavail, bsize } = statfsSync(app.storagePath);
  writeFileSync(hog, Buffer.alloc(bavail * bsize - 200 * KIB));
  try {
    return await upload(app, '/upload', file(300 * KIB));
  } finally {
    rmSync(hog);
  }
}

/** The upload began before the login, with the token of before it. */
async function whileLoggedIn(app: FileApp): Promise<number> {
  const raw = await RawRequest.open(app.port);
  const body = Buffer.concat([filePart(Buffer.alloc(300 * KIB)), END]);
  raw
    .send(headOf(app.browser.cookieHeader, { 'content-length': body.length }))
    .send(body.subarray(0, 100 * KIB));
  await eventually('it is being written', async () => (await app.session()).incomingCount > 0);
  expect((await app.browser.fetch('/login', { method: 'POST' })).status).toBe(201);
  raw.send(body.subarray(100 * KIB));
  const { status } = await raw.answer();
  raw.end();
  return status;
}

describe.each(STORES)('A full session on %s', (store) => {
  let redis: RedisServer | undefined;
  beforeAll(async () => {
    if (store === 'redis') redis = await RedisServer.start();
  });
  afterAll(() => redis?.stop());

  describe.each(ADAPTERS)('and %s', (adapter) => {
    let disk: string;
    let running: FileApp;
    let app: FileApp;
    let before: Map<string, string>;

    /** The ids and the contents of the files that the session has. */
    async function holdings(): Promise<Map<string, string>> {
      const { resources } = await app.session();
      const paths = new Map((await app.files()).map((path) => [basename(path), path]));
      const found = resources.map(async ({ id, sizeBytes }): Promise<[string, string]> => {
        const bytes = await readFile(paths.get(id.replaceAll('-', '')) ?? '');
        return [id, `${sizeBytes} ${sha256(bytes)}`];
      });
      return new Map(await Promise.all(found));
    }

    beforeAll(async () => {
      disk = mkdtempSync(join(tmpdir(), 'nest-sessions-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'tmpfs', disk]);
      const storagePath = join(disk, 'root');
      mkdirSync(storagePath, { mode: 0o700 });
      const options: SessionsOptions = redis ? { redisUrls: [redis.url] } : { store: 'sqlite' };
      running = await FileApp.start(adapter, { ...LIMITS, ...options, storagePath });
    });
    afterAll(async () => {
      await running.close();
      execFileSync('umount', ['-l', disk]);
      rmSync(disk, { recursive: true });
    });

    beforeEach(async () => {
      app = await running.anotherVisitor();
      for (let count = 0; count < LIMITS.maxResources; count += 1)
        await app.add(randomBytes(100 * KIB - count));
      before = await holdings();
    });
    afterEach(async () => {
      await app.service.end({ id: app.sessionId });
      await eventually('its files are gone', async () => (await app.files()).length === 0);
    });

    it.each(FAILURES)('is left as it was by an upload that %s', async (_name, status, fail) => {
      expect(before.size).toBe(LIMITS.maxResources);
      expect(await fail(app)).toBe(status);
      await eventually('nothing of it is left', async () => (await app.session()).incomingCount === 0);
      expect(await holdings()).toEqual(before);
      await eventually('its files are gone', async () => (await app.files()).length === before.size);
    });

    it('gives up as many files as needed for one that succeeds, the least recently used', async () => {
      const [, ...rest] = before.keys();
      const { id } = await app.add(randomBytes(90 * KIB));
      expect([...(await holdings()).keys()]).toEqual([...rest, id]);
      expect(await app.files()).toHaveLength(LIMITS.maxResources);
      expect(await byItself(app, 201)).toBe(201);
      await eventually('that of the other has its place', async () => !(await holdings()).has(rest[0] ?? ''));
    });

    it('takes no file that its handler has released, and those that it has kept although it fails', async () => {
      const [first = '', second = '', ...others] = before.keys();
      expect(await upload(app, '/released', file(10), file(20))).toBe(201);
      expect([...(await holdings()).keys()].slice(0, 3)).toEqual([second, ...others]);
      expect(await upload(app, '/kept', file(30), file(40))).toBe(400);
      const { resources } = await app.session();
      expect(resources.map(({ sizeBytes }) => sizeBytes).slice(-2)).toEqual([30, 40]);
      expect(resources.map(({ id }) => id)).not.toContain(first);
    });

    it('gets 401 for a file if another request ended it meanwhile', async () => {
      expect(await upload(app, '/ended', file(10))).toBe(401);
      await eventually('no file is left', async () => (await app.files()).length === 0);
    });

    it.each(['/logout', '/logout-by-id', '/logout-by-itself'])(
      'is answered where the handler itself has ended it, and its files go: %s',
      async (path) => {
        expect(await upload(app, path, file(10))).toBe(201);
        await eventually('no file is left', async () => (await app.files()).length === 0);
      },
    );
  });
});

describe.each(ADAPTERS)('At the defaults, on %s', (adapter) => {
  it('a hundred files are left by an upload of one byte too many, with a length or in chunks', async () => {
    const app = await FileApp.start(adapter);
    try {
      const { maxResources, maxBytes } = resolveConfig({}, {});
      for (let count = 0; count < maxResources; count += 1) await app.add(new Uint8Array(10));
      const bytes = new Uint8Array(maxBytes + 1);
      expect(await upload(app, '/upload', new File([bytes], 'new.wav', { type: 'audio/wav' }))).toBe(413);
      expect(await send(app, Buffer.concat([filePart(Buffer.from(bytes.buffer)), END]))).toBe(413);
      const { resources, resourceCount, incomingCount } = await app.session();
      expect([resources.length, resourceCount, incomingCount]).toEqual([maxResources, maxResources, 0]);
      expect(await app.files()).toHaveLength(maxResources);
    } finally {
      await app.close();
    }
  }, 60_000);
});
