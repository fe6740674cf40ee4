import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { SessionService, SessionsError } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { SessionStore } from 'nest-sessions/store';
import { SessionsCore } from '#sessions/core/core';
import { HOUR, newResource, newSession, opened } from '#sessions/testing/store/store.fixtures';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { TOKEN, type SessionList } from './admin-client.js';

const SESSIONS = 60;
const RESOURCES = 100;
/** So long that the answer is more than what sockets hold: 25 MB. */
const NAME = 'n'.repeat(4000);
const LIMITS = { maxResources: 1000, maxBytes: 1000, maxStreams: 1000, onLimit: 'evict' } as const;

interface LargeList extends SessionList {
  readonly sessions: (SessionList['sessions'][number] & { resources: { file_name: string }[] })[];
}

describe.each(ADAPTERS)('A large page on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  /** How many resources each answer of the store held. */
  let answers: number[];
  const responses: IncomingMessage[] = [];

  beforeAll(async () => {
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      options: { adminTokens: [TOKEN], store: 'memory', downloadIdleSeconds: 3600 },
    });
    const store = running.app.get(SessionStore);
    const { clock } = running.app.get(SessionsCore);
    for (let count = 0; count < SESSIONS; count += 1) {
      const { id } = await opened(store, {
        ...newSession(),
        createdAt: clock.now(),
        expiresAt: clock.now() + HOUR,
      });
      for (let made = 0; made < RESOURCES; made += 1) {
        await store.resources.reserve(newResource(id, { type: 'stream', fileName: NAME }), null, LIMITS);
      }
    }
  }, 60_000);

  afterAll(() => running.close());

  beforeEach(() => {
    answers = [];
    const { resources } = running.app.get(SessionStore);
    const list = resources.list.bind(resources);
    jest.spyOn(resources, 'list').mockImplementation(async (ids) => {
      const found = await list(ids);
      answers.push(found.length);
      return found;
    });
  });

  afterEach(() => {
    jest.restoreAllMocks();
    for (const response of responses.splice(0)) response.destroy();
  });

  /** A client that has the head of the answer, and reads nothing. */
  async function ask(): Promise<IncomingMessage> {
    const request = get(`${running.url}/admin/sessions`, { headers: { 'X-Admin-Token': TOKEN } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    responses.push(response);
    return response;
  }

  /** Until the server has asked the store no more for a while. */
  async function untilItRests(): Promise<number> {
    for (let before = -1; before !== answers.length; await wait(200)) before = answers.length;
    return answers.length;
  }

  it('is read from the store in slices, and written in pieces that are one JSON', async () => {
    const response = await ask();
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(response.headers['content-length']).toBeUndefined();
    const page = JSON.parse(await text(response)) as LargeList;
    expect(page.sessions.map(({ resources }) => resources.length)).toEqual(
      Array.from({ length: SESSIONS }, () => RESOURCES),
    );
    expect(page.stats['active_sessions']).toBe(SESSIONS);
    expect(answers.reduce((sum, count) => sum + count)).toBe(SESSIONS * RESOURCES);
    expect(Math.max(...answers)).toBeLessThanOrEqual(250);
  });

  it('waits for a client that does not read, and goes on with it', async () => {
    const response = await ask();
    const read = await untilItRests();
    // The rest is in the buffers of the sockets: up to 10 MB.
    expect(read).toBeLessThan(SESSIONS * 0.75);
    const page = JSON.parse(await text(response)) as LargeList;
    expect(page.sessions).toHaveLength(SESSIONS);
    expect(answers.length).toBeGreaterThan(read);
  });

  it('is read no further when the client has gone', async () => {
    const response = await ask();
    const read = await untilItRests();
    response.destroy();
    expect(await untilItRests()).toBe(read);
  });

  it('answers 503 if the store fails at once, and closes the connection if it fails later', async () => {
    const { resources } = running.app.get(SessionStore);
    const failure = new SessionsError('STORE_UNAVAILABLE', 'no');
    const list = jest.spyOn(resources, 'list');
    list.mockRejectedValueOnce(failure);
    const refused = await ask();
    expect(refused.statusCode).toBe(503);

    list.mockRestore();
    const cut = await ask();
    expect(cut.statusCode).toBe(200);
    await untilItRests();
    jest.spyOn(resources, 'list').mockRejectedValueOnce(failure);
    await expect(text(cut)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('is given to an application in one piece, read in slices too', async () => {
    const sessions = await running.app.get(SessionService).list({ sort: 'created_at', limit: 1000 });
    expect(sessions.flatMap(({ resources }) => resources)).toHaveLength(SESSIONS * RESOURCES);
    expect(Math.max(...answers)).toBeLessThanOrEqual(250);
  });
});
