import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADAPTERS } from '../support/http-app.js';
import { AppProcess, spawnApp } from '../support/app-process.js';
import { Browser } from '../support/browser.js';
import type { SessionAnswer } from './session-answer.js';

function post(browser: Browser, path: string, body?: unknown): Promise<Response> {
  const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return browser.fetch(path, { method: 'POST', ...(body === undefined ? {} : json) });
}

async function ownSession(browser: Browser): Promise<SessionAnswer> {
  return (await (await browser.fetch('/session')).json()) as SessionAnswer;
}

describe.each(ADAPTERS)('login, on %s', (adapter) => {
  let app: AppProcess;

  beforeAll(async () => {
    app = await AppProcess.start(adapter, { SESSION_OPEN_RATE: '0', DEMO_USERS: 'ada:a:b,eve:secret' });
  });
  afterAll(() => app.destroy());

  it('names the user of the session, which goes on under a new cookie', async () => {
    const browser = new Browser(app.url);
    const before = await ownSession(browser);
    expect(before).toMatchObject({ user_id: null, can_log_in: true });
    const response = await post(browser, '/login', { user: 'ada', password: 'a:b' });
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^sid=[\w-]{45};/)]);
    expect(await ownSession(browser)).toMatchObject({ session_id: before.session_id, user_id: 'ada' });
  });

  it('is refused with 401 for a wrong password and for an unknown user, alike', async () => {
    const browser = new Browser(app.url);
    await ownSession(browser);
    const answers = [];
    for (const login of [
      { user: 'ada', password: 'secret' },
      { user: 'nobody', password: 'secret' },
      { user: '__proto__', password: 'x' },
    ]) {
      const response = await post(browser, '/login', login);
      expect(response.headers.getSetCookie()).toEqual([]);
      answers.push([response.status, await response.text()]);
    }
    expect(answers[0]?.[0]).toBe(401);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await ownSession(browser)).toMatchObject({ user_id: null });
  });

  it.each([{}, { user: 'ada' }, { user: ['ada'], password: 'a:b' }, { user: '', password: 'a:b' }])(
    'is refused with 400 for %j',
    async (body) => {
      expect((await post(new Browser(app.url), '/login', body)).status).toBe(400);
    },
  );

  it('is refused with 409 in the session of another user', async () => {
    const browser = new Browser(app.url);
    await post(browser, '/login', { user: 'ada', password: 'a:b' });
    const response = await post(browser, '/login', { user: 'eve', password: 'secret' });
    expect([response.status, await response.json()]).toMatchObject([409, { code: 'SESSION_TAKEN' }]);
    expect(await ownSession(browser)).toMatchObject({ user_id: 'ada' });
  });

  it('lets a user end the sessions on all other devices, and nobody else', async () => {
    const [here, there, stranger] = [new Browser(app.url), new Browser(app.url), new Browser(app.url)];
    for (const browser of [here, there]) {
      await ownSession(browser);
      await post(browser, '/login', { user: 'eve', password: 'secret' });
    }
    await ownSession(stranger);
    expect((await post(stranger, '/logout-others')).status).toBe(401);
    const response = await post(here, '/logout-others');
    expect([response.status, await response.json()]).toEqual([200, { ended: 1 }]);
    expect(await ownSession(here)).toMatchObject({ user_id: 'eve' });
    expect(await ownSession(there)).toMatchObject({ user_id: null });
  });

  it('is 404 without DEMO_USERS', async () => {
    const plain = await AppProcess.start(adapter);
    try {
      const response = await post(new Browser(plain.url), '/login', { user: 'ada', password: 'a:b' });
      expect(response.status).toBe(404);
    } finally {
      await plain.destroy();
    }
  });
});

it.each(['ada', 'ada:', ':x', 'ada:a,ada:b'])(
  'DEMO_USERS=%s stops the boot with one sentence',
  async (users) => {
    const storage = await mkdtemp(join(tmpdir(), 'nest-sessions-app-'));
    const child = spawnApp({ DEMO_USERS: users, SESSION_STORAGE_PATH: storage });
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (more: string) => (text += more));
    const code = await new Promise((resolve) => child.once('close', resolve));
    await rm(storage, { recursive: true });
    expect([code, text]).toEqual([1, expect.stringMatching(/^DEMO_USERS must .*\.\n$/)]);
  },
);
