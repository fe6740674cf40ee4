import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { FileApp } from '../support/file-app.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS } from '../support/http-app.js';
import {
  BOUNDARY,
  chunk,
  END,
  filePart,
  headOf,
  part,
  RawRequest,
  type RawAnswer,
} from '../support/raw-request.js';

const MIB = 1024 * 1024;
const CHUNKED = { 'transfer-encoding': 'chunked' };
const codeOf = ({ body }: RawAnswer): string => (JSON.parse(body) as { code: string }).code;

describe.each(ADAPTERS)('Upload connections on %s', (adapter) => {
  let app: FileApp;
  let open: RawRequest[] = [];

  const begin = async (isStubborn = false): Promise<RawRequest> => {
    const raw = await RawRequest.open(app.port, isStubborn);
    open.push(raw);
    return raw;
  };
  const head = (more: Record<string, string | number> = {}, path?: string): string =>
    headOf(app.browser.cookieHeader, more, path);
  /** Sends a whole request; what is answered. */
  const exchange = async (body: Buffer, more: Record<string, string | number> = {}): Promise<RawAnswer> => {
    const raw = await begin();
    return raw
      .send(head({ 'content-length': body.length, ...more }))
      .send(body)
      .answer();
  };
  const untilEmpty = (): Promise<boolean> => eventually('nothing is left', () => app.isEmpty(), 5000);

  afterEach(async () => {
    for (const raw of open) raw.end();
    open = [];
    await app.close();
  });

  describe('that break off', () => {
    beforeEach(async () => {
      app = await FileApp.start(adapter, { maxBytes: 4 * MIB });
    });

    it('leave nothing, whichever byte is the last', async () => {
      const body = Buffer.concat([
        part('Content-Disposition: form-data; name="note"', 'x'),
        filePart(Buffer.alloc(MIB + 100_000)),
        END,
      ]);
      const afterHead = head({ 'content-length': body.length });
      const offsets = [
        0,
        1,
        60,
        150,
        300,
        65_536,
        200_000,
        MIB,
        body.length - 40,
        body.length - 3,
        body.length - 1,
      ];
      await exchange(filePart('warm'));
      const fdsBefore = (await readdir('/proc/self/fd')).length;
      for (const offset of offsets) {
        const raw = await begin();
        raw.send(afterHead).send(body.subarray(0, offset));
        if (offset > 300) {
          await eventually('it is being written', async () => (await app.session()).incomingCount > 0);
        } else {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        raw.reset();
        expect(await untilEmpty()).toBe(true);
      }
      await eventually(
        'no file stays open',
        async () => (await readdir('/proc/self/fd')).length <= fdsBefore,
      );
    });

    it('leave nothing of the complete files', async () => {
      const raw = await begin();
      raw.send(head({ ...CHUNKED }, '/many'));
      raw.send(
        chunk(
          Buffer.concat([filePart('one'), filePart('two'), filePart(Buffer.alloc(1000)).subarray(0, 500)]),
        ),
      );
      await eventually('two are complete', async () => (await app.session()).incomingCount === 3);
      raw.reset();
      expect(await untilEmpty()).toBe(true);
    });

    it('leave nothing of the files before a malformed part', async () => {
      const raw = await begin();
      raw.send(head(CHUNKED, '/many')).send(chunk(Buffer.concat([filePart('one'), filePart('two')])));
      await eventually('one is complete', async () => (await app.session()).incomingCount === 2);
      raw.send(chunk(filePart('three', 'name="other"; filename="c.wav"')));
      const answer = await raw.answer();
      expect([answer.status, codeOf(answer)]).toEqual([400, 'UPLOAD_INVALID']);
      expect(await app.isEmpty()).toBe(true);
    });

    it('are aborted when their session ends: 401, and nothing is kept', async () => {
      const raw = await begin();
      raw.send(head(CHUNKED)).send(chunk(filePart(Buffer.alloc(100_000)).subarray(0, 90_000)));
      await eventually('it is being written', async () => (await app.files()).length > 0);
      await app.service.end({ id: app.sessionId });
      const answer = await raw.answer();
      expect([answer.status, codeOf(answer)]).toEqual([401, 'SESSION_GONE']);
      await eventually('no file is left', async () => (await app.files()).length === 0);
    });
  });

  it('that stall are aborted, and nothing is kept', async () => {
    app = await FileApp.start(adapter, { uploadIdleSeconds: 1 });
    const raw = await begin();
    raw.send(head(CHUNKED)).send(chunk(filePart(Buffer.alloc(10_000)).subarray(0, 5000)));
    const answer = await raw.answer();
    expect(answer.status).toBe(408);
    expect(codeOf(answer)).toBe('UPLOAD_ABORTED');
    await untilEmpty();
    expect(await raw.isClosed(7000)).toBe(true);
  });

  it('that are slow, but do not stall, are accepted', async () => {
    app = await FileApp.start(adapter, { uploadIdleSeconds: 1 });
    const raw = await begin();
    raw.send(head(CHUNKED));
    const body = Buffer.concat([filePart(Buffer.alloc(1000)), END]);
    const step = Math.ceil(body.length / 6);
    for (let at = 0; at < body.length; at += step) {
      raw.send(chunk(body.subarray(at, at + step)));
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect((await raw.send(chunk(Buffer.alloc(0))).answer()).status).toBe(201);
  });

  describe('that are refused early', () => {
    beforeEach(async () => {
      app = await FileApp.start(adapter, { maxBytes: MIB });
    });

    it('get the error for a declared length that is too large, before a byte is sent', async () => {
      const raw = await begin();
      const answer = await raw.send(head({ 'content-length': 50 * MIB })).answer();
      expect([answer.status, codeOf(answer)]).toEqual([413, 'RESOURCE_TOO_LARGE']);
      expect(answer.head).toMatch(/connection: close/i);
      expect(await app.isEmpty()).toBe(true);
    });

    it('get the error although they send on, slowly, before they read', async () => {
      const raw = await begin();
      raw.socket.pause();
      raw.send(head({ 'content-length': 8 * MIB }));
      let isReset = false;
      raw.socket.on('error', () => (isReset = true));
      for (let sent = 0; sent < 20; sent += 1) {
        raw.send(Buffer.alloc(256 * 1024));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(isReset).toBe(false);
      raw.socket.resume();
      expect((await raw.answer()).status).toBe(413);
    });

    it('get the error with fetch, whatever the size', async () => {
      for (const size of [2 * MIB + 1, 12 * MIB]) {
        const response = await app.upload('/upload', new File([Buffer.alloc(size)], 'big.wav'));
        expect(response.status).toBe(413);
      }
      expect(await app.isEmpty()).toBe(true);
    });

    it('get the error although they asked to close the connection themselves', async () => {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const sending = httpRequest(
          {
            port: app.port,
            method: 'POST',
            path: '/upload',
            headers: {
              connection: 'close',
              cookie: app.browser.cookieHeader,
              'user-agent': 'test-browser',
              'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
              'content-encoding': 'gzip',
              'content-length': 6 * MIB,
            },
          },
          (response) => resolve(response.resume().statusCode),
        ).on('error', reject);
        sending.end(Buffer.alloc(6 * MIB));
      });
      expect(status).toBe(415);
    });

    it('are disconnected when they send on for long', async () => {
      const raw = await begin(true);
      raw.send(head(CHUNKED));
      const endless = setInterval(() => raw.send(chunk(Buffer.alloc(512 * 1024))), 5);
      expect(await raw.isClosed(8000)).toBe(true);
      clearInterval(endless);
      expect(await app.isEmpty()).toBe(true);
    });

    it('get the error for a file of unknown length as soon as it is too large', async () => {
      const raw = await begin();
      const body = filePart(Buffer.alloc(1.5 * MIB));
      raw.send(head(CHUNKED)).send(chunk(body));
      const answer = await raw.answer();
      expect([answer.status, codeOf(answer)]).toEqual([413, 'RESOURCE_TOO_LARGE']);
      await untilEmpty();
    });

    it('get 413 instead of 100 Continue if they ask first', async () => {
      const raw = await begin();
      const body = Buffer.concat([filePart('abc'), END]);
      raw.send(head({ 'content-length': body.length, expect: '100-continue' }));
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect((await raw.send(body).answer()).status).toBe(201);
      const refused = await begin();
      const answer = await refused
        .send(head({ 'content-length': 50 * MIB, expect: '100-continue' }))
        .answer();
      expect(answer.status).toBe(413);
    });
  });

  describe('with malformed bodies', () => {
    const LONG = 'n'.repeat(64 * 1024);
    const named = (disposition: string): Buffer => Buffer.concat([filePart('abc', disposition), END]);

    beforeEach(async () => {
      app = await FileApp.start(adapter, { maxBytes: MIB });
    });

    const type = (value: string): Record<string, string> => ({ 'content-type': value });
    it.each<[string, Buffer, Record<string, string>]>([
      ['no boundary', named('name="file"; filename="a"'), type('multipart/form-data')],
      ['an empty boundary', named('name="file"; filename="a"'), type('multipart/form-data; boundary=')],
      ['a boundary of 71', Buffer.from('x'), type(`multipart/form-data; boundary=${'b'.repeat(71)}`)],
      ['another boundary', named('name="file"; filename="a"'), type('multipart/form-data; boundary=other')],
      ['an empty body', Buffer.alloc(0), {}],
      ['garbage', Buffer.alloc(5000, 'garbage\r\n'), {}],
      ['only the end', END, {}],
      ['no end', filePart('abc'), {}],
      ['half a head of a part', Buffer.from(`--${BOUNDARY}\r\nContent-Dispo`), {}],
      ['a part without a name', named('filename="a.wav"'), {}],
      ['a part with an empty name', named('name=""; filename="a.wav"'), {}],
      ['a part with a long name', named(`name="${'n'.repeat(101)}"; filename="a.wav"`), {}],
      ['a file in another field', named('name="other"; filename="a.wav"'), {}],
      ['a file in __proto__', named('name="__proto__"; filename="a.wav"'), {}],
      ['two files', Buffer.concat([filePart('1'), filePart('2'), END]), {}],
      [
        '10,000 parts',
        Buffer.concat([
          filePart('1'),
          ...Array.from({ length: 10_000 }, (_, at) => part(`Content-Disposition: form-data; name="f${at}"`)),
          END,
        ]),
        {},
      ],
      [
        'a text field of 65 KiB',
        Buffer.concat([
          filePart('1'),
          part('Content-Disposition: form-data; name="f"', 'x'.repeat(65 * 1024)),
          END,
        ]),
        {},
      ],
      ['a part without headers', Buffer.concat([part([]), END]), {}],
      ['a bare line feed in a name', named('name="file"; filename="a\nb"'), {}],
    ])('%s: 400, and nothing is kept', async (_name, body, more) => {
      const answer = await exchange(body, more);
      expect([answer.status, codeOf(answer)]).toEqual([400, 'UPLOAD_INVALID']);
      expect(answer.body).not.toMatch(/\\n\s+at /);
      await untilEmpty();
    });

    it('an endless preamble: 413', async () => {
      const raw = await begin();
      raw.send(head(CHUNKED));
      for (let sent = 0; sent < 5; sent += 1) raw.send(chunk(Buffer.alloc(MIB / 2, 'p')));
      expect((await raw.answer()).status).toBe(413);
      await untilEmpty();
    });

    it.each<[string, string, string | null]>([
      ['a path', 'filename="../../etc/passwd"', 'passwd'],
      ['a path of Windows', 'filename="C:\\x\\y.wav"', 'y.wav'],
      ['dots', 'filename=".."', null],
      ['a good filename*', "filename*=UTF-8''na%C3%AFve.wav", 'naïve.wav'],
      ['a bad filename*', "filename*=UTF-8''%E0%A4%A.wav", null],
      ['a NUL', 'filename="a\0b.wav"', 'a b.wav'],
      ['a direction override', 'filename="exe.\u202Efdp.wav"', 'exe. fdp.wav'],
      ['an escape sequence', 'filename="\x1B[2Jx.wav"', ' [2Jx.wav'],
      ['64 KiB', `filename="${LONG}.wav"`, `${'n'.repeat(251)}.wav`],
      ['255 times three bytes', `filename="${'あ'.repeat(255)}"`, 'あ'.repeat(255)],
      ['shell words', 'filename="$(x) -rf `y`.wav"', '$(x) -rf `y`.wav'],
      ['what is no UTF-8', 'filename="\x80\xFF.wav"', expect.any(String) as string],
    ])('stores a file name with %s as data, cleaned', async (_name, disposition, stored) => {
      const answer = await exchange(named(`name="file"; ${disposition}`));
      expect(answer.status).toBe(201);
      const { resources } = await app.session();
      expect(resources).toMatchObject([{ fileName: stored, sizeBytes: 3 }]);
      expect(await app.files()).toEqual([expect.stringMatching(/\/[0-9a-f-]{32,36}$/)]);
    });

    it('10,000 headers in a part do not fill the memory', async () => {
      const lines = Array.from({ length: 10_000 }, (_, at) => `X-${at}: ${at}`);
      const disposition = 'Content-Disposition: form-data; name="file"; filename="a"';
      const body = Buffer.concat([part([disposition, ...lines], 'abc'), END]);
      expect((await exchange(body)).status).toBe(201);
      const last = Buffer.concat([part([...lines, disposition], 'abc'), END]);
      expect((await exchange(last)).status).toBe(400);
    });

    it('the server still serves after all of these', async () => {
      expect((await app.add(Buffer.alloc(1000))).sizeBytes).toBe(1000);
    });
  });
});
