import fc from 'fast-check';
import { partHeadOf } from '#sessions/http/upload/body/part-head';
import { PartSplitter } from '#sessions/http/upload/body/part-splitter';
import type { ResourceRecord } from 'nest-sessions';
import { FileApp } from '../support/file-app.js';
import { ADAPTERS } from '../support/http-app.js';
import { BOUNDARY, END, filePart, headOf, part, RawRequest, type RawAnswer } from '../support/raw-request.js';

/** A raw answer is text of single bytes. */
const jsonOf = ({ body }: RawAnswer): unknown => JSON.parse(Buffer.from(body, 'latin1').toString('utf8'));

/** An empty file input, as browsers send it. */
const emptyInput = (field: string): Buffer =>
  part([
    `Content-Disposition: form-data; name="${field}"; filename=""`,
    'Content-Type: application/octet-stream',
  ]);

describe.each(ADAPTERS)('Forms on %s', (adapter) => {
  let app: FileApp;
  beforeAll(async () => {
    app = await FileApp.start(adapter);
  });
  afterAll(() => app.close());

  const exchange = async (
    path: string,
    body: Buffer,
    more: Record<string, string> = {},
    step = body.length,
  ): Promise<RawAnswer> => {
    const raw = await RawRequest.open(app.port);
    raw.socket.setNoDelay(true);
    raw.send(headOf(app.browser.cookieHeader, { 'content-length': body.length, ...more }, path));
    for (let at = 0; at < body.length; at += step) {
      raw.send(body.subarray(at, at + step));
      if (step < body.length) await new Promise((resolve) => setImmediate(resolve));
    }
    return raw.answer().finally(() => raw.end());
  };
  const namesOf = (answer: RawAnswer): (string | null)[] =>
    (jsonOf(answer) as { resources: ResourceRecord[] }).resources.map(({ fileName }) => fileName);
  const nameOf = (answer: RawAnswer): string | null =>
    (jsonOf(answer) as { resource: ResourceRecord }).resource.fileName;

  describe('with empty file inputs', () => {
    const files = (count: number): Buffer[] =>
      Array.from({ length: count }, (_, at) => filePart('x', `name="file"; filename="${at}"`));

    it.each<[where: string, parts: Buffer[]]>([
      ['of another field before', [emptyInput('other'), ...files(3)]],
      ['of another field after', [...files(3), emptyInput('other')]],
      ['of the same field before', [emptyInput('file'), ...files(3)]],
      ['of the same field between', [...files(2), emptyInput('file'), files(3)[2]!]],
      ['of the same field after', [...files(3), emptyInput('file')]],
      [
        'of many fields',
        [emptyInput('a'), ...files(3), ...Array.from({ length: 9 }, () => emptyInput('file'))],
      ],
    ])('skip those %s', async (_where, parts) => {
      const answer = await exchange('/many', Buffer.concat([...parts, END]));
      expect([answer.status, namesOf(answer)]).toEqual([201, ['0', '1', '2']]);
    });

    it('count the files that are none too few, and those that are some too many', async () => {
      const none = await exchange('/many', Buffer.concat([emptyInput('file'), emptyInput('other'), END]));
      expect([none.status, none.body]).toEqual([400, expect.stringContaining('no file in the field file')]);
      const four = await exchange('/many', Buffer.concat([...files(4), emptyInput('file'), END]));
      expect([four.status, four.body]).toEqual([400, expect.stringContaining('at most 3')]);
      const nameless = part(
        ['Content-Disposition: form-data; name="other"; filename=""', 'Content-Type: audio/wav'],
        'x',
      );
      const other = await exchange('/many', Buffer.concat([...files(1), nameless, END]));
      expect([other.status, other.body]).toEqual([400, expect.stringContaining('in the field file only')]);
    });

    it('take a named file without bytes for a file', async () => {
      const answer = await exchange('/many', Buffer.concat([emptyInput('file'), filePart(''), END]));
      expect([answer.status, namesOf(answer)]).toEqual([201, ['a.wav']]);
    });
  });

  it.each<[disposition: string, stored: string | null]>([
    ['filename="say %22hi%22.wav"', 'say "hi".wav'],
    ['filename="a%0D%0Ab.wav"', 'a b.wav'],
    ['filename="a%0d%0ab.wav"', 'a b.wav'],
    ['filename="100%25 %41.wav"', '100%25 %41.wav'],
    ['filename="say \\"hi\\".wav"', 'say "hi".wav'],
    ['filename*=UTF-8\'\'na%C3%AFve.wav; filename="naive.wav"', 'naïve.wav'],
    ['filename="naive.wav"; filename*=UTF-8\'\'na%C3%AFve.wav', 'naïve.wav'],
    ["filename*=iso-8859-1'en'na%EFve.wav", 'naïve.wav'],
    ['filename*=UTF-8\'\'%E0%A4%A.wav; filename="plain.wav"', 'plain.wav'],
    ["filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", 'passwd'],
    ['filename=bare.wav', 'bare.wav'],
    ['filename="größer 😀.wav"', 'größer 😀.wav'],
    ['FileName="upper.wav"', 'upper.wav'],
    ['filename="semi;colon.wav"', 'semi;colon.wav'],
    [`filename="${'😀'.repeat(200)}.webm"`, `${'😀'.repeat(125)}.webm`],
  ])('store a file with %s', async (disposition, stored) => {
    const body = Buffer.concat([filePart('abc', `name="file"; ${disposition}`), END]);
    const answer = await exchange('/upload', body);
    expect([answer.status, nameOf(answer)]).toEqual([201, stored]);
  });

  it('find the field of a form whatever the order and case of its headers', async () => {
    const odd = part(
      ['content-TYPE: audio/wav; x=1', 'content-disposition: form-data; filename="a"; name=file'],
      'x',
    );
    const answer = await exchange('/upload', Buffer.concat([odd, END]));
    expect([answer.status, nameOf(answer)]).toEqual([201, 'a']);
  });

  it('decode the names and texts of fields', async () => {
    const fields = [
      part('Content-Disposition: form-data; name="a %22b%22"', 'größer'),
      part(
        ['Content-Disposition: form-data; name="latin"', 'Content-Type: text/plain; charset=iso-8859-1'],
        Buffer.from('größer', 'latin1'),
      ),
    ];
    const answer = await exchange('/upload', Buffer.concat([...fields, filePart('x'), END]));
    expect(jsonOf(answer)).toMatchObject({ body: { 'a "b"': 'größer', latin: 'größer' } });
  });

  it.each([1, 7, 4096])(
    'with blanks after their boundaries are read, in pieces of %i bytes',
    async (step) => {
      const padded = Buffer.from(
        [
          `--${BOUNDARY} \t `,
          'Content-Disposition: form-data; name="note"',
          '',
          'x',
          `--${BOUNDARY}\t`,
          'Content-Disposition: form-data; name="file"; filename="a.wav"',
          'Content-Type: audio/wav',
          '',
          'abc',
          `--${BOUNDARY}--  `,
          '',
        ].join('\r\n'),
      );
      const type = { 'content-type': `multipart/form-data; boundary="${BOUNDARY}"  ` };
      const answer = await exchange('/upload', padded, type, step);
      expect([answer.status, jsonOf(answer)]).toMatchObject([
        201,
        { resource: { fileName: 'a.wav', sizeBytes: 3 }, body: { note: 'x' } },
      ]);
    },
  );

  it.each<[string, Buffer]>([
    ['another disposition', part('Content-Disposition: attachment; name="file"; filename="a"', 'x')],
    ['no disposition', part('Content-Type: audio/wav', 'x')],
    ['headers without an end', Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="f"\r\n`)],
  ])('refuse a part with %s', async (_what, bad) => {
    const answer = await exchange('/upload', Buffer.concat([bad, filePart('abc'), END]));
    expect([answer.status, jsonOf(answer)]).toMatchObject([400, { code: 'UPLOAD_INVALID' }]);
    const last = await exchange('/upload', Buffer.concat([filePart('abc'), bad, END]));
    expect([last.status, jsonOf(last)]).toMatchObject([400, { code: 'UPLOAD_INVALID' }]);
  });
});

describe('The headers of a part', () => {
  /** As browsers write them: WHATWG HTML, "multipart/form-data". */
  const encoded = (name: string): string =>
    name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');

  it('give back every name that a browser encodes', () => {
    // A path is cut off, and a browser does not say whether `%22` was in the name.
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((text) => !/[/\\%]|^\.+$/.test(text));
    fc.assert(
      fc.property(name, name, (field, fileName) => {
        const line = `form-data; name="${encoded(field)}"; filename="${encoded(fileName)}"`;
        const head = partHeadOf({ 'content-disposition': [Buffer.from(line).toString('latin1')] });
        expect([head.name, head.fileName]).toEqual([field.toWellFormed(), fileName.toWellFormed()]);
      }),
      { numRuns: 1000 },
    );
  });

  it('never let a path through, nor throw for anything but what is no form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const head = partHeadOf({ 'content-disposition': [`form-data; name="f"; ${text}`] });
        expect(head.fileName ?? '').not.toMatch(/[/\\]|^\.\.?$/);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('The parts of a body', () => {
  interface Part {
    readonly name: string;
    readonly contents: Buffer;
    readonly padding: string;
  }
  const split = async (body: Buffer, sizes: readonly number[]): Promise<[string, string][]> => {
    const splitter = new PartSplitter('b');
    const parts: Promise<[string, string]>[] = [];
    splitter.on('part', (stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      parts.push(
        new Promise((resolve) => {
          let name = '';
          stream.on('header', (head: object) => (name = String(Reflect.get(head, 'x')?.[0])));
          stream.on('end', () => resolve([name, Buffer.concat(chunks).toString('latin1')]));
        }),
      );
    });
    const finished = new Promise<void>((resolve, reject) => {
      splitter.once('finish', () => resolve());
      splitter.once('error', reject);
    });
    for (let at = 0, turn = 0; at < body.length; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 1;
      splitter.write(body.subarray(at, at + size));
      at += size;
    }
    splitter.end();
    await finished;
    return Promise.all(parts);
  };

  it('are the same however the body is cut into pieces, and whatever blanks follow a boundary', async () => {
    const aPart = fc.record({
      name: fc.stringMatching(/^[a-z]{1,5}$/),
      // Rich in what a boundary is made of.
      contents: fc
        .array(fc.constantFrom('\r', '\n', '-', '--', '\r\n-', '\r\n--', 'b', ' ', '\t', 'x'), {
          maxLength: 30,
        })
        .map((pieces) => Buffer.from(pieces.join('')))
        .filter((bytes) => !`\r\n${bytes.toString()}`.includes('\r\n--b')),
      padding: fc.stringMatching(/^[ \t]{0,4}$/),
    });
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(aPart, { minLength: 1, maxLength: 4 }),
        sizes,
        async (given: Part[], pieces) => {
          const body = Buffer.concat([
            ...given.flatMap(({ name, contents, padding }) => [
              Buffer.from(`--b${padding}\r\nx: ${name}\r\n\r\n`),
              contents,
              Buffer.from('\r\n'),
            ]),
            Buffer.from('--b--\r\n'),
          ]);
          expect(await split(body, pieces)).toEqual(
            given.map(({ name, contents }) => [name, contents.toString('latin1')]),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});
