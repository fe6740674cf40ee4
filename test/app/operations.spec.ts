import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADAPTERS } from '../support/http-app.js';
import { ADMIN_TOKEN, AppProcess, spawnApp } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { bytesOf, formOf } from '../support/recordings.js';
import type { AdminListAnswer, SessionAnswer } from './session-answer.js';

describe.each(ADAPTERS)('operations, on %s', (adapter) => {
  let app: AppProcess;

  beforeAll(async () => {
    app = await AppProcess.start(adapter, {
      SESSION_OPEN_RATE: '0',
      SESSION_MAX_UNCONFIRMED_PER_NETWORK: '0',
    });
  });
  afterAll(() => app.destroy());

  it('prints one line at boot: address, adapter, store, storage and limits', () => {
    expect(app.bootLine).toBe(
      `Listening on ${app.url} | adapter ${adapter} | store ${AppProcess.store} | storage ${app.storagePath} | ` +
        'limits 100 resources, 104857600 bytes, 900 s idle, 3600 s in all | admin on',
    );
    expect(app.lines).toHaveLength(1);
  });

  it('reports the health of store, cleanup and storage', async () => {
    const response = await fetch(`${app.url}/health`);
    expect(response.status).toBe(200);
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(await response.json()).toMatchObject({
      status: 'ok',
      info: { sessions: { status: 'up', store: 'ok', cleanup: 'ok', storage: 'ok' } },
    });
  });

  it('serves metrics for Prometheus', async () => {
    const response = await fetch(`${app.url}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(await response.text()).toMatch(/^# TYPE \S*sessions\S* gauge$/m);
  });

  it('lists sessions and their resources for an operator', async () => {
    const browser = new Browser(app.url);
    const body = formOf(await bytesOf('hola-es.mp3'), 'hola-es.mp3', 'audio/mpeg');
    await browser.fetch('/audio', { method: 'POST', body });
    const own = (await (await browser.fetch('/session')).json()) as SessionAnswer;
    const { sessions, stats } = await app.admin<AdminListAnswer>('');
    const shown = sessions.find(({ session_id }) => session_id === own.session_id);
    expect(shown).toMatchObject({
      user_id: null,
      ip_address: '127.0.0.1',
      created_at: own.created_at,
      request_count: 2,
      resource_count: 1,
      total_bytes_used: own.total_bytes_used,
      resources: own.resources,
    });
    expect(stats['active_sessions']).toBeGreaterThanOrEqual(1);
  });

  it('answers admin requests without the token, or with a wrong one, with the same 401', async () => {
    const answers = await Promise.all([
      fetch(`${app.url}/admin/sessions`),
      fetch(`${app.url}/admin/sessions`, { headers: { 'x-admin-token': `${ADMIN_TOKEN}x` } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401]);
    const [missing, wrong] = await Promise.all(answers.map((answer) => answer.text()));
    expect(missing).toBe(wrong);
  });

  it('logs events while it serves, one line each', async () => {
    const talkative = await AppProcess.start(adapter, { NEST_LOG_LEVEL: 'debug', NO_COLOR: '1' });
    try {
      const { session_id } = await new Browser(talkative.url)
        .fetch('/session')
        .then((response) => response.json() as Promise<{ session_id: string }>);
      await eventually('the line is there', async () => talkative.log.includes('session.opened'));
      const lines = talkative.log.split('\n').filter((line) => line.includes('session.opened'));
      expect(lines).toEqual([
        expect.stringMatching(new RegExp(`^\\[Nest\\] .* DEBUG \\[SessionService\\] .*${session_id}`)),
      ]);
    } finally {
      await talkative.destroy();
    }
  });

  it('logs what operators did and what was evicted at the default level, and nothing of other visitors', async () => {
    const limits = { NEST_LOG_LEVEL: 'log', NO_COLOR: '1', MAX_RESOURCES_PER_SESSION: '2' };
    const told = await AppProcess.start(adapter, limits);
    const visit = async (uploads: number): Promise<Browser> => {
      const browser = new Browser(told.url);
      for (let count = 0; count < uploads; count += 1) {
        const body = formOf(await bytesOf('hola-es.mp3'), 'hola-es.mp3', 'audio/mpeg');
        expect((await browser.fetch('/audio', { method: 'POST', body })).status).toBe(201);
      }
      return browser;
    };
    try {
      await eventually('it has started', async () => told.log.includes('successfully started'));
      const before = told.log;
      for (let visitors = 0; visitors < 5; visitors += 1) {
        const browser = await visit(2);
        await browser.fetch('/nowhere');
        await browser.fetch('/session', { method: 'DELETE' });
      }
      expect(told.log.slice(before.length)).toBe('');
      await visit(3);
      const { sessions } = await told.admin<AdminListAnswer>('');
      await told.admin(`/${sessions[0]!.session_id}/cleanup`, { method: 'POST' });
      const lines = told.log.slice(before.length).trim().split('\n');
      const names = lines.map((line) => / (resource\.evicted|session\.ended|deed=end) /.exec(line)?.[1]);
      expect(new Set(names)).toEqual(new Set(['deed=end', 'resource.evicted', 'session.ended']));
      expect(names).toHaveLength(3);
    } finally {
      await told.destroy();
    }
  });

  it('shuts down at once on SIGTERM, with exit code 0', async () => {
    const stopping = await AppProcess.start(adapter);
    const browser = new Browser(stopping.url);
    const events = await browser.fetch('/events');
    const exit = await stopping.stop('SIGTERM');
    expect(exit).toMatchObject({ code: 0, signal: null });
    expect(exit.afterMs).toBeLessThan(4000);
    await events.body!.cancel().catch(() => {});
    expect(stopping.lines).toHaveLength(1);
    await stopping.destroy();
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    'does not wait for a slow upload on %s',
    async (signal) => {
      const stopping = await AppProcess.start(adapter);
      const body = new ReadableStream({
        start: (controller) =>
          controller.enqueue(Buffer.from('--x\r\nContent-Disposition: form-data; name="file"')),
      });
      const init = { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=x' }, body };
      const uploading = fetch(`${stopping.url}/audio`, { ...init, duplex: 'half' }).catch(() => null);
      await eventually('the upload is under way', async () => {
        const { sessions } = await stopping.admin<AdminListAnswer>('');
        return sessions.length > 0;
      });
      const exit = await stopping.stop(signal);
      expect(exit).toMatchObject({ code: 0, signal: null });
      expect(exit.afterMs).toBeLessThan(9000);
      await uploading;
      await stopping.destroy();
    },
  );

  it('serves on when the reader of its log goes away', async () => {
    const talkative = await AppProcess.start(adapter, { NEST_LOG_LEVEL: 'debug' });
    try {
      talkative.closeLog();
      for (let requests = 0; requests < 5; requests += 1) {
        const response = await new Browser(talkative.url).fetch('/session');
        expect(response.status).toBe(200);
      }
    } finally {
      await talkative.destroy();
    }
  });

  it('has no admin routes without a token, and says so at boot', async () => {
    const open = await AppProcess.start(adapter, { ADMIN_TOKEN: '' });
    expect(open.bootLine).toMatch(/admin off/);
    const response = await fetch(`${open.url}/admin/sessions`, { headers: { 'x-admin-token': ADMIN_TOKEN } });
    expect(response.status).toBe(404);
    await open.destroy();
  });
});

describe('an app with a variable that resembles one of ours', () => {
  it('is warned of it, once, with the right name', async () => {
    const app = await AppProcess.start('express', { MAX_SESSION_IDEL_TIME: '60' });
    try {
      const warned = (): string[] =>
        app.log.split('\n').filter((line) => line.includes('MAX_SESSION_IDEL_TIME'));
      await eventually('it is warned', async () => warned().length > 0);
      expect(warned()).toEqual([expect.stringContaining('if you mean MAX_SESSION_IDLE_TIME, rename it')]);
    } finally {
      await app.destroy();
    }
  });
});

describe('an app that cannot start', () => {
  async function failing(
    environment: Record<string, string>,
  ): Promise<{ code: number | null; said: string }> {
    const storagePath = await mkdtemp(join(tmpdir(), 'nest-sessions-app-'));
    const child = spawnApp({ SESSION_STORAGE_PATH: storagePath, ...environment });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream!.setEncoding('utf8').on('data', (text: string) => (said += text));
    }
    await once(child, 'close');
    await rm(storagePath, { recursive: true });
    return { code: child.exitCode, said };
  }

  it.each<[Record<string, string>, RegExp]>([
    [{ PORT: '80x' }, /^PORT must be a whole number from 0 to 65535 \(.+\), not "80x"\.$/],
    [{ PORT: '65536' }, /^PORT must be/],
    [{ PORT: '-1' }, /^PORT must be/],
    [{ HTTP_ADAPTER: 'koa' }, /^HTTP_ADAPTER must be express or fastify, not "koa"\.$/],
    [{ TRUST_PROXY: 'true' }, /^TRUST_PROXY must be/],
    [{ TRUST_PROXY: '192.0.2.1,10.0.0.0/33' }, /^TRUST_PROXY must be/],
    [{ TRUST_PROXY: '::/0' }, /^TRUST_PROXY must be/],
    [{ HOST: '192.0.2.1' }, /^HOST must be an address of this machine\.$/],
  ])('says in one sentence what is wrong with %j', async (environment, sentence) => {
    const { code, said } = await failing(environment);
    expect(code).toBe(1);
    expect(said.trim().split('\n')).toEqual([expect.stringMatching(sentence)]);
  });

  it('names every invalid setting of sessions, in one message without a stack', async () => {
    const { code, said } = await failing({
      MAX_SESSION_DURATION: '15m',
      MAX_SESSIONS: '0',
      ADMIN_TOKEN: 'short',
    });
    expect(code).toBe(1);
    expect(said).toMatch(/MAX_SESSION_DURATION/);
    expect(said).toMatch(/MAX_SESSIONS/);
    expect(said).toMatch(/ADMIN_TOKEN/);
    expect(said).not.toMatch(/ at |\bshort\b/);
  });

  it('reports a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const app = failing({ PORT: String(port) });
    expect(await app).toEqual({
      code: 1,
      said: expect.stringMatching(/^Another server already listens on the port[^\n]*\n$/),
    });
    other.close();
  });
});
