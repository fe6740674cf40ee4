import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { resultOf, runCli, startCli, type CliResult } from '../cli/cli-process.js';
import type { SessionAnswer, UploadAnswer } from '../app/session-answer.js';
import { ADAPTERS } from '../support/http-app.js';
import { AppProcess } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { filesOnDisk } from '../support/files-on-disk.js';
import { bytesOf, formOf } from '../support/recordings.js';
import { FaultyWay, type Fault } from './faulty-way.js';

const RECORDED = {
  SESSION_JOURNAL: 'requests',
  SESSION_JOURNAL_PATHS: 'true',
  MAX_BYTES_PER_SESSION: '500000',
};
const NO_ID = '00000000-0000-4000-8000-000000000000';
const SECRET_AGENT = 'an agent that nobody may read';

/** What a visitor does: uploads, plays back, is refused, logs out. */
async function visit(browser: Browser): Promise<{ sessionId: string; fileId: string }> {
  const { session_id: sessionId } = (await (await browser.fetch('/session')).json()) as SessionAnswer;
  const upload = (bytes: Uint8Array): Promise<Response> =>
    browser.fetch('/audio', { method: 'POST', body: formOf(bytes, 'a.wav', 'audio/wav') });
  const { resource_id: fileId } = (await (
    await upload(await bytesOf('hello-en.wav'))
  ).json()) as UploadAnswer;
  const paths = [`/resources/${fileId}`, `/audio/${fileId}/waveform`, `/resources/${NO_ID}`];
  for (const path of paths) await (await browser.fetch(path)).arrayBuffer();
  const part = await browser.fetch(paths[0]!, { headers: { range: 'bytes=10-19' } });
  expect((await part.arrayBuffer()).byteLength).toBe(10);
  expect((await upload(Buffer.alloc(600_000))).status).toBe(413);
  expect((await browser.fetch('/session', { method: 'DELETE' })).status).toBe(204);
  return { sessionId, fileId };
}

/** The lines of a table as method, path, status then, status now, and the rest. */
function rowsOf({ stdout }: CliResult): string[][] {
  return stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => /^ *\d+ +(\S+) +(\S+) +(\S+) +(\S+) *(.*)$/.exec(line)?.slice(1) ?? [line]);
}

describe.each(ADAPTERS)('A recorded session, on %s', (adapter) => {
  let app: AppProcess;
  let folder: string;
  let har: string;
  let exported: CliResult;
  let browser: Browser;
  let token: string;
  let visited: Awaited<ReturnType<typeof visit>>;
  const fileRow = (): string => `/resources/${visited.fileId}`;
  const replayOf = (source: string, ...args: string[]): Promise<CliResult> =>
    runCli(['replay', source, '--pace', '0', ...args], { storagePath: app.storagePath });
  const replayAgainst = (url: string): Promise<CliResult> =>
    replayOf(har, '--against', url, '--unsafe', '--field', 'audio');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-replay-'));
    har = join(folder, 'session.har');
    app = await AppProcess.start(adapter, RECORDED);
    browser = new Browser(app.url, SECRET_AGENT);
    await browser.fetch('/session');
    token = browser.cookieHeader.replace('sid=', '');
    visited = await visit(browser);
    exported = await eventually('all is recorded', async () => {
      const result = await runCli(['export', visited.sessionId, '--har'], { storagePath: app.storagePath });
      return result.stderr.startsWith('9 requests') && result;
    });
    await writeFile(har, exported.stdout);
  }, 60_000);
  afterAll(async () => {
    await app.destroy();
    await rm(folder, { recursive: true });
  });

  it('is exported as HAR, without token, agent or address', () => {
    expect(exported).toMatchObject({ code: 0, stderr: `9 requests of session ${visited.sessionId}\n` });
    const { log } = JSON.parse(exported.stdout) as {
      log: { entries: Record<string, unknown>[] };
    };
    expect(log).toMatchObject({ _session: visited.sessionId });
    expect(log.entries[2]).toMatchObject({
      request: {
        method: 'POST',
        url: 'http://localhost/audio',
        postData: { mimeType: 'multipart/form-data' },
      },
      response: { status: 201, content: { mimeType: 'application/json' } },
      _placed: [visited.fileId],
    });
    for (const secret of [token, SECRET_AGENT, '127.0.0.1', 'a.wav'])
      expect(exported.stdout).not.toContain(secret);
  });

  it('is written to a new file that only its owner can read', async () => {
    const path = join(folder, 'new.har');
    const args = ['export', visited.sessionId, '--har', '--out', path];
    const written = await runCli(args, { storagePath: app.storagePath });
    expect(written).toMatchObject({ code: 0, stdout: '' });
    expect(await readFile(path, 'utf8')).toBe(exported.stdout);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const again = await runCli(args, { storagePath: app.storagePath });
    expect(again).toMatchObject({
      code: 2,
      stderr: `error: --out ${path} exists: choose another name, or delete it\n`,
    });
  });

  it('is answered by a fresh server as it was, under new ids: exit 0', async () => {
    const fresh = await AppProcess.start(adapter === 'express' ? 'fastify' : 'express', RECORDED);
    try {
      const result = await replayAgainst(fresh.url);
      const paths = [
        '/session',
        '/session',
        '/audio',
        fileRow(),
        `/audio/${visited.fileId}/waveform`,
        `/resources/${NO_ID}`,
      ];
      const statuses = ['200', '200', '201', '200', '200', '404', '206', '413', '204'];
      expect(rowsOf(result).map(([, path]) => path)).toEqual([...paths, fileRow(), '/audio', '/session']);
      expect(rowsOf(result).map(([, , then, now, rest]) => [then, now, rest])).toEqual(
        statuses.map((status) => [status, status, '']),
      );
      expect(result).toMatchObject({ code: 0, stderr: '9 requests sent: 9 answered as then, 0 otherwise\n' });
      const { stats } = await fresh.admin<{ stats: Record<string, number> }>('');
      expect(stats).toMatchObject({ total_sessions_created: 1, active_sessions: 0 });

      const asJson = await replayOf(
        visited.sessionId,
        '--against',
        fresh.url,
        '--unsafe',
        '--field',
        'audio',
        '--json',
      );
      expect(JSON.parse(asJson.stdout)).toMatchObject({
        session_id: visited.sessionId,
        against: fresh.url,
        same: 9,
        different: 0,
        skipped: 0,
        requests: expect.arrayContaining([
          {
            number: 4,
            method: 'GET',
            path: fileRow(),
            sent_path: expect.not.stringContaining(visited.fileId),
            status_then: 200,
            status_now: 200,
            verdict: 'same',
            reason: null,
          },
        ]),
      });
      const withIds = asJson.stdout.match(/"sent_path": "\/resources\/[0-9a-f-]{36}"/g);
      expect(withIds).toHaveLength(3);
    } finally {
      await fresh.destroy();
    }
  });

  it('sends nothing that could change a server without --unsafe', async () => {
    const fresh = await AppProcess.start(adapter, RECORDED);
    try {
      const result = await replayOf(har, '--against', fresh.url);
      expect(rowsOf(result).map(([method, , , now]) => `${method} ${now}`)).toEqual([
        'GET 200',
        'GET 200',
        'POST skipped',
        'GET skipped',
        'GET skipped',
        'GET 404',
        'GET skipped',
        'POST skipped',
        'DELETE skipped',
      ]);
      expect(result.stdout).toContain('needs the file of #3');
      expect(result.code).toBe(0);
    } finally {
      await fresh.destroy();
    }
  });

  describe('shows each fault of a server with ≠, exit 1', () => {
    let fresh: AppProcess;
    let way: FaultyWay | null = null;
    afterEach(async () => {
      await way?.close();
      way = null;
      await fresh.destroy();
    });
    const differing = (result: CliResult): string[] => {
      expect(result.code).toBe(1);
      return rowsOf(result)
        .filter(([, , , , rest]) => rest?.includes('≠'))
        .map((row) => row.join(' '));
    };
    const through = async (fault: Fault): Promise<string> => {
      fresh = await AppProcess.start(adapter, RECORDED);
      way = await FaultyWay.to(fresh.url, fault);
      return way.url;
    };

    it('a status', async () => {
      const url = await through(async ({ url: path }, response) => {
        if (!path?.endsWith('/waveform')) return 'passed';
        response.writeHead(500).end();
        return 'answered';
      });
      const result = await replayAgainst(url);
      expect(differing(result)).toEqual([`GET /audio/${visited.fileId}/waveform 200 500 ≠`]);
      expect(result.stderr).toBe(
        '9 requests sent: 8 answered as then, 1 otherwise\nerror: 1 answer differs\n',
      );
    });

    it('a missing file', async () => {
      const url = await through(async ({ url: path }) => {
        if (path?.startsWith('/resources/'))
          for (const file of await filesOnDisk(fresh.storagePath)) await rm(file);
        return 'passed';
      });
      const result = await replayAgainst(url);
      expect(differing(result)).toEqual([
        expect.stringMatching(`^GET ${fileRow()} 200 \\S+ ≠`),
        expect.stringMatching(`^GET /audio/${visited.fileId}/waveform 200 \\S+ ≠`),
        expect.stringMatching(`^GET ${fileRow()} 206 \\S+ ≠`),
      ]);
    });

    it('a limit', async () => {
      fresh = await AppProcess.start(adapter, { ...RECORDED, MAX_BYTES_PER_SESSION: '100000' });
      const result = await replayAgainst(fresh.url);
      expect(differing(result)).toEqual([
        'POST /audio 201 413 ≠',
        `GET ${fileRow()} 200 404 ≠`,
        `GET /audio/${visited.fileId}/waveform 200 404 ≠`,
        `GET ${fileRow()} 206 404 ≠`,
      ]);
    });
  });

  it('is not replayed where no server is: exit 3', async () => {
    const gone = await AppProcess.start(adapter);
    await gone.destroy();
    const { code, stdout, stderr } = await replayOf(har, '--against', gone.url);
    expect({ code, stdout, stderr }).toEqual({
      code: 3,
      stdout: '',
      stderr: `error: no server can be reached at ${gone.url}: ECONNREFUSED\n`,
    });
  });

  it('is replayed at its pace until Ctrl-C, which prints what was done', async () => {
    const fresh = await AppProcess.start(adapter, RECORDED);
    try {
      const child = startCli(['replay', har, '--against', fresh.url, '--pace', '1000']);
      const ended = resultOf(child);
      await once(child.stderr!, 'data');
      await eventually('the first request was sent', async () => {
        const { stats } = await fresh.admin<{ stats: Record<string, number> }>('');
        return stats['active_sessions'] === 1;
      });
      child.kill('SIGINT');
      const { code, stdout, stderr } = await ended;
      expect(code).toBe(130);
      expect(stderr).toMatch(/^Replaying 9 requests against http:\S+ in [^]*interrupted\n$/);
      expect(stdout).toMatch(
        /GET +\/session +200 +(?:200|skipped +interrupted under way)\n[^]* interrupted\n/,
      );
    } finally {
      await fresh.destroy();
    }
  });
});

describe('What was not recorded', () => {
  it.each([
    ['without requests', {}, 'the journal has no requests of this session'],
    ['without paths', { SESSION_JOURNAL: 'requests' }, 'but not their paths'],
  ])('is refused, with both options named: %s', async (_how, environment, fault) => {
    const app = await AppProcess.start('express', environment);
    try {
      const browser = new Browser(app.url);
      const { session_id: id } = (await (await browser.fetch('/session')).json()) as SessionAnswer;
      const commands = [
        ['export', id, '--har'],
        ['replay', id, '--against', app.url],
      ];
      for (const command of commands) {
        const { code, stdout, stderr } = await eventually('it is recorded', async () => {
          const result = await runCli(command, { storagePath: app.storagePath });
          return result.stderr.includes(fault) && result;
        });
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
        expect(stderr).toMatch(/`journal: 'requests'`.*`journalPaths: true`/);
      }
      const unknown = await runCli(['export', NO_ID, '--har'], { storagePath: app.storagePath });
      expect(unknown).toEqual({
        code: 3,
        stdout: '',
        stderr: 'error: the journal has no timeline of a session with this id\n',
      });
    } finally {
      await app.destroy();
    }
  });
});

describe('A replay in a command line of an app', () => {
  const setting = {
    program: resolve(import.meta.dirname, '../cli/own-program.mjs'),
    env: { SESSION_MIN_FREE_BYTES: '0' },
  };
  let app: AppProcess;
  let folder: string;
  let args: string[];
  beforeAll(async () => {
    app = await AppProcess.start('express');
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-replay-'));
    const har = join(folder, 'one.har');
    const request = { method: 'POST', url: 'http://localhost/files', bodySize: 10 };
    const entry = { startedDateTime: '2026-03-01T12:00:00Z', request, response: { status: 201 } };
    await writeFile(har, JSON.stringify({ log: { entries: [entry] } }));
    args = ['sessions', 'replay', har, '--against', 'http://127.0.0.1:9'];
  });
  afterAll(async () => {
    await app.destroy();
    await rm(folder, { recursive: true });
  });

  it('prints what it skips, and exits with 2 if that is all', async () => {
    const { code, stdout, stderr } = await runCli(args, { ...setting, storagePath: app.storagePath });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        '0 requests sent: 0 answered as then, 0 otherwise; 1 skipped\nerror: nothing was sent: pass --unsafe\n',
    });
    expect(stdout).toContain('1  POST    /files  201   skipped  needs --unsafe\n');
  });

  it('names the package that it lacks', async () => {
    const hook = resolve(import.meta.dirname, '../support/without-tough-cookie.mjs');
    const env = { ...setting.env, NODE_OPTIONS: `--import=${hook}` };
    const result = await runCli(args, { ...setting, env, storagePath: app.storagePath });
    expect(result).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: replay needs the package tough-cookie: npm install tough-cookie\n',
    });
  });
});

describe('A wrong command line of export and replay', () => {
  const against = ['--against', 'http://127.0.0.1:9'];
  it.each([
    [['export', NO_ID], 'export requires --har'],
    [['export', 'bogus', '--har'], 'a session id is a UUID'],
    [['export', NO_ID, '--har', '--out', 'a', '--out', 'b'], '--out may be given only once'],
    [['replay', 'x.har'], 'replay requires --against'],
    [['replay', 'x.har', '--against', 'http://192.0.2.1'], 'pass --allow-host 192.0.2.1'],
    [['replay', 'x.har', ...against, '--pace', '-1'], '--pace must be'],
    [['replay', 'x.har', ...against, '--pace', '1001'], '--pace must be'],
    [['replay', 'x.har', ...against, '--pace', '1e2'], '--pace must be'],
    [['replay', 'x.har', ...against, '--field', 'a"b'], '--field must be'],
    [['replay', 'nothing/here.har', ...against], 'cannot read nothing/here.har (ENOENT)'],
    [['replay', '.', ...against], '. is no file'],
    [['replay', 'package.json', ...against], 'log must be an object'],
    [['replay', 'README.md', ...against], 'it is no JSON'],
  ])('is reported in one line, and exits with 2: %j', async (args, fault) => {
    const { code, stdout, stderr } = await runCli(args, { storagePath: '/nowhere' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: \P{C}+\n$/u);
    expect(stderr).toContain(fault);
  });
});
