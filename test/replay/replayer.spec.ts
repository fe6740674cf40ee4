import { bodyLike } from '#sessions/cli/replay/made-body';
import { NoAnswer } from '#sessions/cli/replay/no-answer';
import { ReplayClient } from '#sessions/cli/replay/replay-client';
import { Replayer, type Replayed, type ReplaySettings } from '#sessions/cli/replay/replayer';
import { targetOf } from '#sessions/cli/replay/replay-target';
import type { RecordedRequest } from '#sessions/operate/replay/recording';
import { TargetServer, type Answering } from './target-server.js';

const NONE = new AbortController().signal;
const SESSION = '10000000-0000-4000-8000-000000000001';
const NEW_SESSION = '20000000-0000-4000-8000-000000000002';
const idOf = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-000000000000`;

function recorded(path: string, differing: Partial<RecordedRequest> = {}): RecordedRequest {
  return {
    at: 1000,
    durationMs: 5,
    method: 'GET',
    origin: null,
    path,
    body: null,
    status: 200,
    sentBytes: 100,
    responseType: 'application/json',
    placed: [],
    ...differing,
  };
}

const posted = (path: string, differing: Partial<RecordedRequest> = {}): RecordedRequest =>
  recorded(path, {
    method: 'POST',
    status: 201,
    body: { mediaType: 'application/json', sizeBytes: 20, text: null },
    ...differing,
  });

describe('A replay', () => {
  let target: TargetServer;
  afterEach(() => target.close());

  async function replay(
    requests: readonly RecordedRequest[],
    answering: Answering,
    settings: Partial<ReplaySettings> = {},
    signal: AbortSignal = NONE,
  ): Promise<Replayed[]> {
    target = await TargetServer.start(answering);
    const recording = { sessionId: SESSION, requests, withoutPath: 0 };
    const all = { isUnsafe: true, pace: 0, field: 'file', ...settings };
    return new Replayer(await ReplayClient.create(target.url), recording, all).run(signal);
  }
  const ok: Answering = (_seen, response) => void response.end('{}');
  const json =
    (answer: (path: string) => [status: number, body: unknown]): Answering =>
    ({ path }, response) => {
      const [status, body] = answer(path);
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(body));
    };
  const pathsSeen = (): string[] => target.seen.map(({ path }) => path);
  const verdicts = (outcomes: readonly Replayed[]): string[] => outcomes.map(({ verdict }) => verdict);

  it('sends paths as they were recorded, and compares statuses', async () => {
    const paths = ['/a/../b/%2e%2e/c?x[]=1', '//evil.example/x', '/missing'];
    const outcomes = await replay(
      paths.map((path) => recorded(path)),
      ({ path }, response) => void response.writeHead(path === '/missing' ? 404 : 200).end(),
    );
    expect(pathsSeen()).toEqual(paths);
    expect(verdicts(outcomes)).toEqual(['same', 'same', 'different']);
    expect(outcomes[2]).toMatchObject({ number: 3, status: 404, reason: null });
  });

  it('puts new ids in the place of those of placed files, in order, and of the session', async () => {
    await replay(
      [
        recorded('/session'),
        posted('/files', { placed: [idOf('a'), idOf('b')] }),
        posted('/copies', { placed: [idOf('c')] }),
        recorded(`/of/${SESSION}/files/${idOf('b')}?then=${idOf('a')}&c=${idOf('c')}&d=${idOf('d')}`),
      ],
      ({ path }, response) => {
        const body = {
          '/session': { user_id: idOf('1'), session_id: NEW_SESSION },
          '/files': { sessionId: NEW_SESSION, files: [{ id: idOf('e') }, { id: idOf('f'), of: idOf('e') }] },
        }[path];
        response.writeHead(path === '/session' ? 200 : 201, {
          ...(body && { 'content-type': 'application/json' }),
          ...(path === '/copies' && { location: `/files/${idOf('9')}` }),
        });
        response.end(JSON.stringify(body));
      },
    );
    expect(pathsSeen()[3]).toBe(
      `/of/${NEW_SESSION}/files/${idOf('f')}?then=${idOf('e')}&c=${idOf('9')}&d=${idOf('d')}`,
    );
  });

  it('goes on after an answer that changes the protocol, and after one that closes without a word', async () => {
    const outcomes = await replay(
      ['/up', '/gone', '/after'].map((path) => recorded(path)),
      ({ path }, response) => {
        const { socket } = response;
        if (path === '/after') response.end('{}');
        else if (path === '/gone') socket?.end();
        else socket?.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n');
      },
    );
    expect(outcomes.map(({ verdict, status }) => [verdict, status])).toEqual([
      ['different', 101],
      ['different', null],
      ['same', 200],
    ]);
  });

  it('skips a CONNECT, however it is spelt', async () => {
    const [outcome] = await replay([recorded('/', { method: 'connect' })], ok);
    expect(outcome).toMatchObject({ verdict: 'skipped', reason: 'is no plain request' });
    expect(target.seen).toEqual([]);
  });

  it('takes no id from an answer that is no JSON, or breaks off', async () => {
    const paths = ['/text', '/cut'];
    const outcomes = await replay(
      [...paths.map((path) => posted(path, { placed: [idOf('a')] })), recorded(`/files/${idOf('a')}`)],
      ({ path }, response) => {
        const type = path === '/text' ? 'text/plain' : 'application/json';
        response.writeHead(path.startsWith('/files') ? 200 : 201, {
          'content-type': type,
          'content-length': 500,
        });
        response.write(JSON.stringify({ id: idOf('e') }), () => response.destroy());
      },
    );
    expect(pathsSeen()[2]).toBe(`/files/${idOf('a')}`);
    expect(outcomes[1]).toMatchObject({ verdict: 'different', status: 201, reason: 'the answer broke off' });
  });

  it('keeps the cookies of its own session, as a browser does, and sends no others', async () => {
    await replay(
      ['/', '/in/a', '/in/b', '/out', '/'].map((path) => recorded(path)),
      ({ path }, response) => {
        const cookies = {
          '/': ['sid=one; Path=/; HttpOnly; Domain=app.example.com'],
          '/in/a': ['inner=two', 'sid-2=three; Path=/; Secure'],
          '/out': ['sid=; Path=/; Max-Age=0'],
        }[path];
        response.writeHead(200, cookies && { 'set-cookie': cookies }).end();
      },
    );
    expect(target.seen.map(({ headers }) => headers.cookie)).toEqual([
      undefined,
      'sid=one',
      'inner=two; sid=one; sid-2=three',
      'sid=one; sid-2=three',
      'sid-2=three',
    ]);
  });

  it('presents the token of its own session that a server gives in a header', async () => {
    await replay(
      [recorded('/a'), recorded('/b')],
      (_seen, response) => void response.writeHead(200, { 'x-session-token': 'a-token' }).end(),
    );
    expect(target.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer a-token']);
  });

  it('follows no redirect', async () => {
    const outcomes = await replay(
      [recorded('/old', { status: 302 })],
      (_seen, response) => void response.writeHead(302, { location: '/new' }).end(),
    );
    expect(verdicts(outcomes)).toEqual(['same']);
    expect(pathsSeen()).toEqual(['/old']);
  });

  it('asks for a part where a part was answered, and names what it has where nothing had changed', async () => {
    await replay([recorded('/a', { status: 206 }), recorded('/b', { status: 304 }), recorded('/c')], ok);
    expect(target.seen.map(({ headers }) => [headers.range, headers['if-none-match']])).toEqual([
      ['bytes=0-', undefined],
      [undefined, '*'],
      [undefined, undefined],
    ]);
  });

  it('does not wait for the end of an event stream', async () => {
    const outcomes = await replay(
      [recorded('/events', { responseType: 'text/event-stream' })],
      ({ headers }, response) =>
        response
          .writeHead(headers.accept === 'text/event-stream' ? 200 : 406, {
            'content-type': 'text/event-stream',
          })
          .flushHeaders(),
    );
    expect(verdicts(outcomes)).toEqual(['same']);
  });

  it('without --unsafe sends GET and HEAD alone, and skips what needs files that were not made', async () => {
    const outcomes = await replay(
      [
        recorded('/a', { method: 'HEAD' }),
        posted('/files', { placed: [idOf('a')] }),
        recorded(`/files/${idOf('a')}`),
        recorded('/a', { method: 'OPTIONS' }),
        recorded('/a'),
      ],
      ok,
      { isUnsafe: false },
    );
    expect(target.seen.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
    expect(outcomes.map(({ reason }) => reason)).toEqual([
      null,
      'needs --unsafe',
      'needs the file of #2',
      'needs --unsafe',
      null,
    ]);
  });

  it('skips what it cannot send as it was', async () => {
    const outcomes = await replay(
      [
        recorded('/a', { origin: 'http://app.example' }),
        recorded('/a', { origin: 'http://cdn.example' }),
        recorded('/a', { origin: 'http://app.example', status: null }),
        recorded('/a', { origin: 'http://app.example', status: 101 }),
      ],
      ok,
    );
    expect(verdicts(outcomes)).toEqual(['same', 'skipped', 'skipped', 'skipped']);
    expect(target.seen).toHaveLength(1);
  });

  it('keeps the pauses, times the pace', async () => {
    const requests = [recorded('/a', { at: 1000 }), recorded('/b', { at: 1400 })];
    await replay(requests, ok, { pace: 0.5 });
    const [first, second] = target.seen;
    expect(second!.at - first!.at).toBeGreaterThan(150);
    await target.close();
    const beganAt = performance.now();
    await replay([recorded('/a', { at: 0 }), recorded('/b', { at: 3_600_000 })], ok);
    expect(performance.now() - beganAt).toBeLessThan(20_000);
  });

  it('stops at once when it is interrupted: in a pause, and while it waits for an answer', async () => {
    const pausing = new AbortController();
    const inPause = await replay(
      [recorded('/a', { at: 0 }), recorded('/b', { at: 3_600_000 })],
      (_seen, response) => response.end(() => setTimeout(() => pausing.abort(), 100)),
      { pace: 1 },
      pausing.signal,
    );
    expect(inPause.map(({ reason }) => reason)).toEqual([null, 'interrupted']);
    await target.close();
    const waiting = new AbortController();
    const inRequest = await replay(
      [recorded('/a'), recorded('/b')],
      () => waiting.abort(),
      {},
      waiting.signal,
    );
    expect(inRequest.map(({ reason }) => reason)).toEqual(['interrupted under way', 'interrupted']);
  });

  it('tells of a server that stops answering, and gives it up after three requests', async () => {
    const outcomes = await replay(
      ['/a', '/b', '/c', '/d', '/e'].map((path) => recorded(path)),
      ({ path }, response) => void (path === '/a' ? response.end() : response.destroy()),
    );
    expect(outcomes.map(({ verdict, status, reason }) => [verdict, status, reason])).toEqual([
      ['same', 200, null],
      ...['/b', '/c', '/d'].map(() => ['different', null, 'no answer: ECONNRESET']),
      ['skipped', null, 'the server stopped answering'],
    ]);
  });

  it('rejects if the server cannot be reached', async () => {
    target = await TargetServer.start(ok);
    await target.close();
    const recording = { sessionId: null, requests: [recorded('/a')], withoutPath: 0 };
    const replayer = new Replayer(await ReplayClient.create(target.url), recording, {
      isUnsafe: false,
      pace: 0,
      field: 'file',
    });
    const refused = await replayer.run(NONE).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(NoAnswer);
    expect(refused).toMatchObject({ reached: false, reason: 'ECONNREFUSED' });
  });

  it('takes the answer of a server that does not read the body it refuses', async () => {
    const body = { mediaType: 'application/octet-stream', sizeBytes: 2_000_000_000, text: null };
    const { createServer } = await import('node:http');
    const server = createServer(
      (_request, response) => void response.writeHead(413, { connection: 'close' }).end('{}'),
    );
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    try {
      const client = await ReplayClient.create(new URL(`http://127.0.0.1:${port}`));
      const recording = {
        sessionId: null,
        requests: [posted('/big', { body, status: 413 })],
        withoutPath: 0,
      };
      const outcomes = await new Replayer(client, recording, { isUnsafe: true, pace: 0, field: 'file' }).run(
        NONE,
      );
      expect(outcomes).toMatchObject([{ verdict: 'same', status: 413 }]);
    } finally {
      server.closeAllConnections();
      server.close();
      target = await TargetServer.start(ok);
    }
  });

  it('sends bodies of the recorded length and media type', async () => {
    await replay(
      [
        posted('/json', { body: { mediaType: 'application/json', sizeBytes: 40, text: null } }),
        posted('/form', { body: { mediaType: 'multipart/form-data', sizeBytes: 70_000, text: null } }),
        posted('/kept', { body: { mediaType: 'text/plain; charset=utf-8', sizeBytes: 3, text: 'é!' } }),
        posted('/other', { body: { mediaType: null, sizeBytes: 70_000, text: null } }),
        posted('/none', { body: null }),
      ],
      json(() => [201, {}]),
    );
    expect(
      target.seen.map(({ headers, body }) => [
        headers['content-type'],
        headers['content-length'],
        body.length,
      ]),
    ).toEqual([
      ['application/json', '40', 40],
      [expect.stringMatching(/^multipart\/form-data; boundary=/), '70000', 70_000],
      ['text/plain; charset=utf-8', '3', 3],
      [undefined, '70000', 70_000],
      [undefined, '0', 0],
    ]);
    expect(JSON.parse(target.seen[0]!.body.toString())).toEqual({});
    expect(target.seen[2]!.body.toString()).toBe('é!');
  });
});

describe('A made body', () => {
  const bytesOf = (mediaType: string, sizeBytes: number, field = 'file'): [Buffer, string] => {
    const made = bodyLike({ mediaType, sizeBytes, text: null }, field);
    return [Buffer.concat([...made.chunks()]), made.mediaType ?? ''];
  };

  it('of a form has one WAV of silence, in the given field', async () => {
    const [bytes, type] = bytesOf('multipart/form-data', 50_000, 'audio');
    const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
    const file = form.get('audio') as File;
    expect([...form.keys()]).toEqual(['audio']);
    expect(file).toMatchObject({ name: 'replay.wav', type: 'audio/wav' });
    const wav = Buffer.from(await file.arrayBuffer());
    expect([wav.toString('latin1', 0, 4), wav.toString('latin1', 8, 16)]).toEqual(['RIFF', 'WAVEfmt ']);
    expect([wav.readUInt32LE(4), wav.readUInt32LE(40)]).toEqual([wav.length - 8, wav.length - 44]);
  });

  it('of audio is such a WAV', async () => {
    const [bytes, type] = bytesOf('audio/webm', 4044);
    expect([bytes.length, type, bytes.toString('latin1', 0, 4)]).toEqual([4044, 'audio/webm', 'RIFF']);
  });

  it.each([0, 1, 2, 3, 43, 44, 45, 65_579, 65_580, 200_000])(
    'has %i bytes if the recorded one had',
    (size) => {
      for (const type of ['audio/wav', 'application/json', 'application/problem+json', 'text/plain']) {
        expect([type, bytesOf(type, size)[0].length]).toEqual([type, size]);
      }
    },
  );

  it.each([500, 65_700, 200_000])('of a form has %i bytes, too', (size) => {
    expect(bytesOf('multipart/form-data', size)[0]).toHaveLength(size);
  });

  it('of a form that was shorter than the lines around a file has an empty file', () => {
    const made = bodyLike({ mediaType: 'multipart/form-data', sizeBytes: 10, text: null }, 'file');
    expect(Buffer.concat([...made.chunks()])).toHaveLength(made.sizeBytes);
  });
});

describe('The target of a replay', () => {
  it.each(['http://127.0.0.1:5005', 'http://127.9.9.9', 'https://localhost:8443/', 'http://[::1]:80'])(
    'may be %s',
    (against) => expect(targetOf(against, undefined).href).toBe(new URL(against).href),
  );

  it.each([
    ['http://192.168.1.5', 'pass --allow-host 192.168.1.5'],
    ['http://0.0.0.0:5005', 'pass --allow-host'],
    ['http://[2001:db8::1]', 'pass --allow-host 2001:db8::1'],
    ['https://app.example.com', 'pass --allow-host app.example.com'],
    ['http://localhost.example.com', 'pass --allow-host'],
    // A resolver may send it anywhere.
    ['http://app.localhost', 'pass --allow-host app.localhost'],
    ['http://127.0.0.1.example.com', 'pass --allow-host'],
    ['http://ada:pw@127.0.0.1', 'user or password'],
    ['http://ada@127.0.0.1', 'user or password'],
    ['http://127.0.0.1/app', 'a scheme, a host and a port'],
    ['ftp://127.0.0.1', 'must be a URL such as'],
    ['127.0.0.1:5005', 'must be a URL such as'],
    ['', 'must be a URL such as'],
  ])('is refused as %s', (against, fault) => {
    expect(() => targetOf(against, undefined)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining(fault) }),
    );
  });

  it('may be the host that was allowed, and no other', () => {
    expect(targetOf('https://app.example.com:8443', 'App.example.com').hostname).toBe('app.example.com');
    expect(targetOf('http://[2001:db8::1]', '2001:db8::1').hostname).toBe('[2001:db8::1]');
    expect(() => targetOf('https://app.example.com', 'example.com')).toThrow('--allow-host app.example.com');
  });
});
