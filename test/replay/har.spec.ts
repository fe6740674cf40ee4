import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { harOf, type Har } from '#sessions/operate/replay/har';
import { readHar } from '#sessions/operate/replay/har-reader';
import { recordingOf } from '#sessions/operate/replay/timeline-recording';
import type { JournalEntry } from '#sessions/domain/journal/entry';

const SESSION = '10000000-0000-4000-8000-000000000001';
const [FILE, SPEECH, STREAM] = ['a', 'b', 'c'].map(
  (digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`,
);
const BEGAN = Date.parse('2026-03-01T12:00:00.000Z');

type RequestEntry = Extract<JournalEntry, { kind: 'request' }>;

function requested(afterMs: number, differing: Partial<RequestEntry> = {}): JournalEntry {
  return {
    kind: 'request',
    at: BEGAN + afterMs,
    method: 'GET',
    route: '/files/:id',
    path: `/files/${FILE}`,
    status: 200,
    durationMs: 20,
    receivedBytes: 0,
    sentBytes: 700,
    requestType: null,
    responseType: 'application/json',
    ...differing,
  };
}

function upload(afterMs: number, differing: Partial<RequestEntry> = {}): JournalEntry {
  const body = { requestType: 'multipart/form-data', receivedBytes: 5200 };
  return requested(afterMs, { method: 'POST', path: '/files', status: 201, ...body, ...differing });
}

function placed(
  afterMs: number,
  resourceId: string | undefined,
  sizeBytes: number,
  type = 'audio_file',
): JournalEntry {
  return { kind: 'placed', at: BEGAN + afterMs, resourceId: resourceId ?? '', type, sizeBytes };
}

const opened: JournalEntry = { kind: 'opened', at: BEGAN, by: { kind: 'client' } };

function schemaErrors(value: unknown): unknown {
  const schemas = jest.requireActual<Record<string, object>>('har-schema');
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addMetaSchema(jest.requireActual<object>('ajv/dist/refs/json-schema-draft-06.json'));
  addFormats.default(ajv);
  ajv.addSchema(Object.values(schemas));
  return ajv.validate('har.json#', value) ? null : ajv.errors;
}

/** What Chromium's developer tools convert when they import a file; at the first fault they give up. */
const CHROMIUM = {
  objects: [
    'log',
    'log.creator',
    'request',
    'request.postData',
    'response',
    'response.content',
    'timings',
    'request.queryString.0',
  ],
  lists: ['log.entries'],
  dates: ['startedDateTime'],
  numbers: [
    'time',
    'request.headersSize',
    'request.bodySize',
    'response.status',
    'response.headersSize',
    'response.bodySize',
    'response.content.size',
    'timings.send',
    'timings.wait',
    'timings.receive',
  ],
};
/** What Firefox reads without looking whether it is there. */
const FIREFOX = {
  objects: ['log', 'request', 'response', 'response.content', 'timings', 'cache'],
  lists: [
    'log.pages',
    'log.entries',
    'request.headers',
    'request.cookies',
    'response.headers',
    'response.cookies',
  ],
  dates: ['startedDateTime'],
  numbers: [],
};
type Importer = typeof CHROMIUM | typeof FIREFOX;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function at(path: string, whole: unknown): unknown {
  return path.split('.').reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), whole);
}

/** Paths of what an importer would not take, of the log and of its first entry. */
function importFaults({ objects, lists, dates, numbers }: Importer, har: unknown): string[] {
  const valueAt = (path: string): unknown => at(path.startsWith('log') ? path : `log.entries.0.${path}`, har);
  const badUrl = URL.canParse(String(valueAt('request.url'))) ? [] : ['request.url'];
  return [
    ...objects.filter((path) => !isObject(valueAt(path))),
    ...lists.filter((path) => !Array.isArray(valueAt(path))),
    ...dates.filter((path) => Number.isNaN(new Date(valueAt(path) as string).getTime())),
    ...numbers.filter((path) => Number.isNaN(Number(valueAt(path)))),
    ...badUrl,
  ];
}

/** A copy without what lies there. */
function without(path: string, har: Har): unknown {
  const copy = structuredClone(har);
  const names = (path.startsWith('log') ? path : `log.entries.0.${path}`).split('.');
  const last = names.pop() ?? '';
  delete (at(names.join('.'), copy) as Record<string, unknown>)[last];
  return copy;
}

function harOfTimeline(...entries: JournalEntry[]) {
  return harOf(recordingOf(SESSION, [opened, ...entries]), '1.2.3');
}

function placedIn(...entries: JournalEntry[]): (readonly string[])[] {
  return recordingOf(SESSION, [opened, ...entries]).requests.map((request) => request.placed);
}

describe('The HAR of a timeline', () => {
  it('is valid HAR 1.2 that tells method, URL, times, sizes, media types, status and placed files', () => {
    const har = harOfTimeline(
      upload(0),
      placed(15, FILE, 5000),
      requested(100, { path: `/files/${FILE}?part=1&part=b%20c`, status: null, responseType: null }),
    );
    expect(schemaErrors(har)).toBeNull();
    expect(har.log).toMatchObject({
      version: '1.2',
      creator: { name: 'nest-sessions', version: '1.2.3' },
      _session: SESSION,
    });
    const [first, second] = har.log.entries;
    expect(first).toEqual({
      startedDateTime: '2026-03-01T12:00:00.000Z',
      time: 20,
      request: {
        method: 'POST',
        url: 'http://localhost/files',
        httpVersion: 'HTTP/1.1',
        cookies: [],
        headers: [],
        queryString: [],
        postData: { mimeType: 'multipart/form-data', text: '' },
        headersSize: -1,
        bodySize: 5200,
      },
      response: {
        status: 201,
        statusText: 'Created',
        httpVersion: 'HTTP/1.1',
        cookies: [],
        headers: [],
        content: { size: 700, mimeType: 'application/json' },
        redirectURL: '',
        headersSize: -1,
        bodySize: -1,
      },
      cache: {},
      timings: { send: 0, wait: 20, receive: 0 },
      _placed: [FILE],
    });
    expect(second?.request.queryString).toEqual([
      { name: 'part', value: '1' },
      { name: 'part', value: 'b c' },
    ]);
    expect(second?.response).toMatchObject({ status: 0, statusText: '' });
    expect(second).not.toHaveProperty('_placed');
  });

  describe.each([
    ['Chromium', CHROMIUM],
    ['Firefox', FIREFOX],
  ])('is one that %s imports', (_browser, importer: Importer) => {
    const har = harOfTimeline(upload(0, { path: '/files?part=1' }), requested(100, { status: null }));

    it('with all that it reads', () => {
      expect(importFaults(importer, har)).toEqual([]);
      const [, second] = har.log.entries;
      const missing = importFaults(importer, { log: { ...har.log, entries: [second] } });
      expect(missing.filter((path) => !/postData|queryString/.test(path))).toEqual([]);
    });

    it.each([...importer.objects, ...importer.lists, ...importer.dates, ...importer.numbers])(
      'and would not without %s',
      (path) => {
        expect(importFaults(importer, without(path, har))).toContain(path);
      },
    );
  });

  it('is refused by the schema where it lacks what HAR requires', () => {
    const { log } = harOfTimeline(requested(0));
    const { queryString: _left, ...request } = log.entries[0]!.request;
    expect(schemaErrors({ log: { ...log, entries: [{ ...log.entries[0], request }] } })).toMatchObject([
      { params: { missingProperty: 'queryString' } },
    ]);
  });

  it.each([
    ['brackets', '/files?ids[]=1', '/files?ids%5B%5D=1'],
    ['a lonely percent sign', '/100%/x%4', '/100%25/x%254'],
    ['bytes that are no ASCII', '/caf\xe9', '/caf%E9'],
    ['a number sign', '/a#b', '/a%23b'],
    ['two slashes', '//evil.example/x', '//evil.example/x'],
    ['dots', '/a/../b/%2e%2e/c', '/a/../b/%2e%2e/c'],
    ['a whole URL', 'http://app.example/a?b', '/a?b'],
  ])('keeps a path with %s as the client sent it', (_what, path, inUrl) => {
    const har = harOfTimeline(requested(0, { path }));
    expect(schemaErrors(har)).toBeNull();
    expect(har.log.entries[0]?.request.url).toBe(`http://localhost${inUrl}`);
    const sent = path.replace('http://app.example', '');
    expect(readHar(JSON.stringify(har)).requests[0]?.path).toBe(sent);
  });

  it('reads as it was written', () => {
    const recording = recordingOf(SESSION, [opened, upload(0), placed(15, FILE, 5000), requested(90)]);
    const read = readHar(JSON.stringify(harOf(recording, '1.2.3')));
    const requests = recording.requests.map((request) => ({ ...request, origin: 'http://localhost' }));
    expect(read).toEqual({ ...recording, requests });
  });

  it('has no body for a request that declared none, though bytes of the next one came with it', () => {
    const har = harOfTimeline(requested(0, { receivedBytes: 80 }));
    expect(har.log.entries[0]?.request).toMatchObject({ bodySize: 0 });
    expect(har.log.entries[0]?.request).not.toHaveProperty('postData');
  });
});

describe('What took its place during a request', () => {
  it('is not what did before or after it', () => {
    expect(placedIn(upload(10), placed(9, FILE, 10), placed(32, SPEECH, 10))).toEqual([[]]);
  });

  it('is that of the upload whose length fits, of several at once', () => {
    const requests = [upload(0, { receivedBytes: 9300 }), upload(1), requested(2, { path: '/session' })];
    expect(placedIn(...requests, placed(15, FILE, 5000), placed(16, SPEECH, 9000))).toEqual([
      [SPEECH],
      [FILE],
      [],
    ]);
  });

  it('is one file each, of equal uploads at once: that of the first to end comes first', () => {
    const requests = [upload(0, { durationMs: 40 }), upload(1), upload(2, { durationMs: 30 })];
    const [first, second, third] = [FILE, SPEECH, STREAM].map((id, index) => placed(15 + index, id, 5000));
    expect(placedIn(...requests, first!, second!, third!)).toEqual([[STREAM], [FILE], [SPEECH]]);
  });

  it('is both files of one form', () => {
    const form = upload(0, { receivedBytes: 10_400 });
    expect(
      placedIn(form, upload(1), placed(15, FILE, 5000), placed(16, SPEECH, 5000), placed(17, STREAM, 5000)),
    ).toEqual([[SPEECH, STREAM], [FILE]]);
  });

  it('is that of the request that changes something, where the file is longer than any body', () => {
    const speak = upload(0, { requestType: 'application/json', receivedBytes: 30, path: '/speech' });
    expect(placedIn(requested(0), speak, placed(15, SPEECH, 90_000))).toEqual([[], [SPEECH]]);
  });

  it('names streams last, and gives them to event streams', () => {
    const events = requested(0, { durationMs: 5000, responseType: 'text/event-stream' });
    expect(placedIn(events, upload(10), placed(12, STREAM, 0, 'stream'), placed(20, FILE, 5000))).toEqual([
      [STREAM],
      [FILE],
    ]);
    expect(placedIn(upload(10), placed(12, STREAM, 0, 'stream'), placed(20, FILE, 5000))).toEqual([
      [FILE, STREAM],
    ]);
  });
});

describe('A timeline without what a HAR needs', () => {
  it.each([
    ['requests', [], 'the journal has no requests of this session'],
    [
      'paths',
      [requested(0, { path: null })],
      'the journal has the requests of this session, but not their paths',
    ],
  ])('is refused for its %s, with both options named', (_what, entries, fault) => {
    const refused = (): unknown => recordingOf(SESSION, [opened, ...entries]);
    expect(refused).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(fault) }),
    );
    expect(refused).toThrow(
      /`journal: 'requests'`.*SESSION_JOURNAL=requests.*`journalPaths: true`.*SESSION_JOURNAL_PATHS=true/,
    );
  });

  it('is one of which the rest is told: requests from before the option was set', () => {
    const recording = recordingOf(SESSION, [opened, requested(0, { path: null }), requested(50)]);
    expect(recording).toMatchObject({ withoutPath: 1, requests: [{ path: `/files/${FILE}` }] });
  });
});

describe('A HAR of somebody else', () => {
  const entry = {
    startedDateTime: '2026-03-01T13:00:00.000+01:00',
    time: 12.6,
    request: {
      method: 'POST',
      url: 'https://App.example:8443?x=€',
      bodySize: 7,
      headers: [{ name: 'Cookie', value: 'sid=1' }],
    },
    response: { status: 200, content: { size: -1, mimeType: 'text/html; charset=utf-8' } },
  };
  const harWith = (...entries: unknown[]): string => `\uFEFF${JSON.stringify({ log: { entries } })}`;

  it('is read in the order of its instants, without its headers and cookies', () => {
    const later = { ...entry, startedDateTime: '2026-03-01T12:00:01Z' };
    const { sessionId, requests } = readHar(harWith(later, entry));
    expect(sessionId).toBeNull();
    expect(requests[1]).toEqual({ ...requests[0], at: BEGAN + 1000 });
    expect(requests[0]).toEqual({
      at: BEGAN,
      durationMs: 13,
      method: 'POST',
      origin: 'https://app.example:8443',
      path: '/?x=%E2%82%AC',
      body: { mediaType: null, sizeBytes: 7, text: null },
      status: 200,
      sentBytes: 0,
      responseType: 'text/html',
      placed: [],
    });
  });

  it('keeps a body that it has whole, and one that lacks its files by its length alone', () => {
    const bodyWith = (bodySize: number): unknown => {
      const postData = { mimeType: 'application/json; charset=utf-8', text: '{"é":1}' };
      return readHar(harWith({ ...entry, request: { ...entry.request, bodySize, postData } })).requests[0]
        ?.body;
    };
    const whole = { mediaType: 'application/json; charset=utf-8', sizeBytes: 8, text: '{"é":1}' };
    expect([bodyWith(8), bodyWith(-1)]).toEqual([whole, whole]);
    expect(bodyWith(500)).toEqual({ mediaType: 'application/json', sizeBytes: 500, text: null });
  });

  it.each([
    ['', 'it is no JSON'],
    ['[]', 'the file must be an object'],
    ['{}', 'log must be an object'],
    ['{"log":{}}', 'log.entries must be a list'],
    [harWith(entry, null), 'log.entries[1] must be an object'],
    [harWith({ ...entry, startedDateTime: 'soon' }), 'log.entries[0].startedDateTime must be a date'],
    [harWith({ ...entry, response: {} }), 'log.entries[0].response.status must be a number'],
    [
      harWith({ ...entry, request: { method: 'GET /', url: 'http://a/' } }),
      'request.method must be a method',
    ],
    [harWith({ ...entry, request: { method: 'GET', url: '/files' } }), 'request.url must be a whole URL'],
    [
      harWith({ ...entry, request: { method: 'GET', url: 'http://a', _path: 'x' } }),
      'must be a URL that a request can carry',
    ],
  ])('is refused for what is wrong with it: %s', (text, fault) => {
    expect(() => readHar(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(fault) }),
    );
  });
});
