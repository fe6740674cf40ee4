import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { glob } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LOG_LEVELS, LOG_PARTS, readLogSettings } from '#app/log/log.settings';
import { ADMIN_TOKEN, AppProcess, spawnApp } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';

const ROOT = resolve(__dirname, '../..');
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

interface Line {
  readonly time: string;
  readonly level: string;
  readonly context?: string;
  readonly message: string;
}

describe('The settings of the log', () => {
  it('are text and no part by default', () => {
    expect(readLogSettings({})).toEqual({ format: 'text', levels: new Map() });
    expect(readLogSettings({ LOG_FORMAT: ' ', SESSION_LOG: ' , ' })).toEqual(readLogSettings({}));
  });

  it('take a level for each part, and off', () => {
    const SESSION_LOG = 'SessionCleanup:debug, SessionsAdmin : off';
    expect(readLogSettings({ LOG_FORMAT: 'json', SESSION_LOG })).toEqual({
      format: 'json',
      levels: new Map([
        ['SessionCleanup', 'debug'],
        ['SessionsAdmin', null],
      ]),
    });
  });

  it.each([
    [{ LOG_FORMAT: 'xml' }, 'LOG_FORMAT must be text or json, not "xml".'],
    [{ SESSION_LOG: 'Cleanup:debug' }, `unknown part "Cleanup"; known are ${LOG_PARTS.join(', ')}.`],
    [{ SESSION_LOG: 'Sessions:loud' }, `unknown level "loud"; known are ${LOG_LEVELS.join(', ')}, off.`],
    [{ SESSION_LOG: 'SessionCleanup' }, 'must be a list such as SessionCleanup:debug'],
    [{ SESSION_LOG: 'Sessions:log:warn' }, 'must be a list such as SessionCleanup:debug'],
    [{ SESSION_LOG: 'Sessions:log,Sessions:warn' }, 'names Sessions twice'],
  ])('refuse %j', (environment, fault) => {
    expect(() => readLogSettings(environment)).toThrow(fault);
  });

  it('know every part of the library that logs, and the page names them', async () => {
    const found = new Set<string>();
    for await (const path of glob('libs/sessions/src/**/*.ts', { cwd: ROOT })) {
      const text = readFileSync(join(ROOT, path), 'utf8');
      for (const [, part = ''] of text.matchAll(/(?:logFor|new Logger)\('(\w+)'\)/g)) found.add(part);
    }
    expect(found).toEqual(new Set(LOG_PARTS));
    const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    expect(LOG_PARTS.filter((part) => !page.includes(`\`${part}\``))).toEqual([]);
  });
});

describe('The log of the reference app', () => {
  let app: AppProcess | undefined;
  afterEach(() => app?.destroy());

  async function start(environment: Record<string, string>): Promise<AppProcess> {
    return (app = await AppProcess.start('express', environment));
  }
  /** The session that a visitor began and an operator ended. */
  async function visit({ url }: AppProcess): Promise<string> {
    const answer = await new Browser(url).fetch('/session');
    const { session_id } = (await answer.json()) as { session_id: string };
    const headers = { 'X-Admin-Token': ADMIN_TOKEN };
    await fetch(`${url}/admin/sessions/${session_id}/cleanup`, { method: 'POST', headers });
    return session_id;
  }

  it('is JSON on request: each line an object, with level, context, and time with zone and milliseconds', async () => {
    const { lines, id } = await startedAndVisited({
      LOG_FORMAT: 'json',
      NEST_LOG_LEVEL: 'debug',
      FORCE_COLOR: '1',
    });
    const boot = lines.find(({ message }) => message.startsWith('Listening on'));
    expect(boot).toMatchObject({ level: 'log', context: 'App' });
    const opened = lines.filter(({ message }) => message.includes('session.opened'));
    expect(opened).toMatchObject([{ level: 'debug', context: 'SessionService' }]);
    expect(opened[0]?.message).toContain(id);
    for (const { time } of lines) expect(time).toMatch(new RegExp(`^${TIME}$`));
    expect(Object.keys(boot ?? {})).toEqual(['time', 'level', 'context', 'pid', 'message']);
  });

  it('is text with zone and milliseconds, without colours where there is no terminal', async () => {
    const told = await start({ NEST_LOG_LEVEL: 'debug' });
    const id = await visit(told);
    await eventually('the lines are there', async () => told.log.includes('deed=end'));
    const opened = told.lines.find((line) => line.includes('session.opened'));
    expect(opened).toMatch(new RegExp(`^\\[Nest\\] \\d+  - ${TIME}   DEBUG \\[SessionService\\] .*${id}`));
    expect(told.log).not.toContain('\u001b');
  });

  it('tells more of one part, and nothing of another', async () => {
    const told = await start({ SESSION_LOG: 'SessionService:debug,SessionsAdmin:off' });
    await visit(told);
    await eventually('the line is there', async () => told.log.includes('session.ended'));
    expect(told.log).toContain('session.opened');
    expect(told.log).not.toMatch(/deed=end|RouterExplorer|SessionCleanup/);
    const contexts = new Set(told.lines.map((line) => /\[(\w+)\] /.exec(line.replace('[Nest]', ''))?.[1]));
    expect([...contexts].filter(Boolean)).toEqual(['SessionService']);
  });

  it.each([
    ['text', /^SESSION_LOG has an unknown part "Cleaner"; known are .*SessionCleanup.*\n$/],
    ['json', /^SESSION_LOG has an unknown part "Cleaner"; known are .*SessionCleanup.*\n$/],
  ])('stops the boot for an unknown part, in %s', async (format, message) => {
    const { code, stderr } = await refused({ LOG_FORMAT: format, SESSION_LOG: 'Cleaner:debug' });
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('tells in JSON why it does not start', async () => {
    const { code, stderr } = await refused({ LOG_FORMAT: 'json', MAX_SESSIONS: 'many' });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(stderr)).toMatchObject({
      level: 'fatal',
      message: expect.stringContaining('MAX_SESSIONS') as unknown,
    });
  });

  /** With the boot line in JSON, `AppProcess` would wait for it in vain. */
  async function startedAndVisited(
    environment: Record<string, string>,
  ): Promise<{ lines: Line[]; id: string }> {
    const storagePath = await mkdtemp(join(tmpdir(), 'nest-sessions-app-'));
    const child = spawnApp({ SESSION_STORAGE_PATH: storagePath, ...environment });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    try {
      const url = await eventually(
        'it listens',
        async () => /Listening on (http:\/\/\S+) \|/.exec(output)?.[1] ?? null,
      );
      const id = await visit({ url } as AppProcess);
      await eventually('the lines are there', async () => output.includes('deed=end'));
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      return {
        lines: output
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Line),
        id,
      };
    } finally {
      child.kill('SIGKILL');
      await rm(storagePath, { recursive: true, force: true });
    }
  }

  async function refused(environment: Record<string, string>): Promise<{ code: unknown; stderr: string }> {
    const child = spawnApp(environment);
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code] = (await once(child, 'close')) as unknown[];
    return { code, stderr };
  }
});
