import { ValidationPipe } from '@nestjs/common';
import { SessionService, SessionsError } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { SessionsCore } from '#sessions/core/core';
import { Browser } from '../support/browser.js';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { OwnerController } from '../support/owner-app.js';
import { AdminClient, TOKEN } from './admin-client.js';

interface User {
  readonly user_id: string;
  readonly sessions: number;
  readonly resources: number;
  readonly bytes: number;
  readonly quota: Record<'max_sessions' | 'max_resources' | 'max_bytes', number | null>;
}

interface UserList {
  readonly users: User[];
  readonly next_cursor?: string;
}

const USERS = '/admin/sessions/users';
const NO_QUOTA = { max_sessions: null, max_resources: null, max_bytes: null };
const QUOTA = { max_sessions: 5, max_resources: 1000, max_bytes: 5_000_000 };
const LIMITS = { maxSessionsPerUser: 5, maxResourcesPerUser: 1000, maxBytesPerUser: 5_000_000 };
/** The longest that there is, in bytes too. */
const LONGEST = 'ｕ'.repeat(255);
/** In no order. UTF-16 would put 🎧 before Ａ. */
const IDS = [
  'zoë',
  'anna',
  '🎧',
  'Ａ',
  'a/b',
  'a%2Fb',
  '100%',
  '..',
  'users',
  'metrics',
  '日本',
  '\'"\\',
  LONGEST,
];

function pathOf(userId: string): string {
  return `${USERS}/${encodeURIComponent(userId)}`;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function cursorOf(...parts: unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

async function logIn({ app }: RunningApp, userId: string): Promise<void> {
  const sessions = app.get(SessionService);
  const opening = await sessions.open({ ipAddress: '192.0.2.7', userAgent: 'test' });
  if (opening.kind !== 'opened') throw new Error('refused');
  await sessions.login(opening.session, userId);
}

describe.each(ADAPTERS)('admin users on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let admin: AdminClient;

  async function start(options: object = {}): Promise<void> {
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OwnerController],
      options: { adminTokens: [TOKEN], ...options },
    });
    admin = new AdminClient(running.url);
  }

  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
  });

  /** Anna has two sessions with 1,234 bytes in three files, a stream and a file that she released; Ben a session. */
  async function traffic(): Promise<{ one: Browser; other: Browser }> {
    const [one, other, ben, stranger] = Array.from({ length: 4 }, () => new Browser(running.url)) as [
      Browser,
      Browser,
      Browser,
      Browser,
    ];
    await one.fetch('/files?size=1000', { method: 'POST' });
    await one.fetch('/login/anna', { method: 'POST' });
    await other.fetch('/login/anna', { method: 'POST' });
    for (const size of [200, 34]) await other.fetch(`/files?size=${size}`, { method: 'POST' });
    await other.fetch('/streams', { method: 'POST' });
    const released = (await (await other.fetch('/files?size=7', { method: 'POST' })).json()) as {
      id: string;
    };
    await other.fetch(`/files/${released.id}`, { method: 'DELETE' });
    await ben.fetch('/login/ben', { method: 'POST' });
    await stranger.fetch('/files?size=66', { method: 'POST' });
    return { one, other };
  }

  it('tell field by field what the sessions of each hold together, and the limits', async () => {
    await start(LIMITS);
    await traffic();
    const anna = { user_id: 'anna', sessions: 2, resources: 3, bytes: 1234, quota: QUOTA };
    const ben = { user_id: 'ben', sessions: 1, resources: 0, bytes: 0, quota: QUOTA };
    expect(await admin.read(USERS)).toEqual({ users: [anna, ben] });
    expect(await admin.read(pathOf('anna'))).toEqual(anna);
    expect(await admin.read(pathOf('ben'))).toEqual(ben);
  });

  it('hold less when a session ends; one without any is in no list, and has zeros', async () => {
    await start();
    const { one, other } = await traffic();
    await one.fetch('/session', { method: 'DELETE' });
    expect(await admin.read(pathOf('anna'))).toMatchObject({ sessions: 1, resources: 2, bytes: 234 });
    await other.fetch('/session', { method: 'DELETE' });
    const zeros = { sessions: 0, resources: 0, bytes: 0, quota: NO_QUOTA };
    expect(await admin.read(pathOf('anna'))).toEqual({ user_id: 'anna', ...zeros });
    expect(await admin.read(pathOf('nobody'))).toEqual({ user_id: 'nobody', ...zeros });
    expect((await admin.read<UserList>(USERS)).users.map(({ user_id }) => user_id)).toEqual(['ben']);
  });

  it('are none in an empty store', async () => {
    await start();
    expect(await admin.read(USERS)).toEqual({ users: [] });
  });

  it('have null for a limit that is not set', async () => {
    await start({ maxBytesPerUser: 5_000_000 });
    const { quota } = await admin.read<User>(pathOf('anna'));
    expect(quota).toEqual({ ...NO_QUOTA, max_bytes: 5_000_000 });
  });

  it('have null for limits that the store does not keep', async () => {
    await start(LIMITS);
    await logIn(running, 'anna');
    jest.spyOn(running.app.get(SessionsCore).store, 'keepsBudgets', 'get').mockReturnValue(false);
    expect(await admin.read(pathOf('anna'))).toMatchObject({ sessions: 1, quota: NO_QUOTA });
    expect((await admin.read<UserList>(USERS)).users.map(({ quota }) => quota)).toEqual([NO_QUOTA]);
  });

  it('503 if the store does not answer', async () => {
    await start();
    const { budgets } = running.app.get(SessionsCore).store;
    const failure = new SessionsError('STORE_UNAVAILABLE', 'no');
    jest.spyOn(budgets, 'listUsers').mockRejectedValueOnce(failure);
    jest.spyOn(budgets, 'ofUser').mockRejectedValueOnce(failure);
    const answers = [await admin.request(USERS), await admin.request(pathOf('anna'))];
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
  });
});

describe.each(ADAPTERS)('pages of admin users on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let admin: AdminClient;

  beforeAll(async () => {
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      options: { adminTokens: [TOKEN] },
      maxParamLength: 1000,
      configure: (app) =>
        app.useGlobalPipes(
          new ValidationPipe({
            whitelist: true,
            forbidNonWhitelisted: true,
            transform: true,
            transformOptions: { enableImplicitConversion: true },
          }),
        ),
    });
    admin = new AdminClient(running.url);
    for (const userId of [...IDS, ...IDS.slice(0, 3)]) await logIn(running, userId);
  });

  afterAll(() => running.close());

  async function pages(limit: number): Promise<UserList[]> {
    const read: UserList[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const next: string = cursor && `&cursor=${cursor}`;
      const page: UserList = await admin.read<UserList>(`${USERS}?limit=${limit}${next}`);
      read.push(page);
      cursor = page.next_cursor;
      if (read.length > 30) throw new Error('The pages do not end');
    }
    return read;
  }

  it.each([1, 2, 5, 12, 13, 1000])('of %d list each user once, in the order of UTF-8', async (limit) => {
    const read = await pages(limit);
    expect(read.flatMap(({ users }) => users.map(({ user_id }) => user_id))).toEqual(IDS.toSorted(byBytes));
    const isFull = read.slice(0, -1).every(({ users }) => users.length === limit);
    expect([isFull, read.length]).toEqual([true, Math.ceil(IDS.length / limit)]);
  });

  it('list all without parameters, with their sessions', async () => {
    const { users, ...rest } = await admin.read<UserList>(USERS);
    expect(rest).toEqual({});
    const twice = new Set(IDS.slice(0, 3));
    expect(users.filter(({ sessions }) => sessions === 2).map(({ user_id }) => user_id)).toEqual(
      IDS.filter((id) => twice.has(id)).toSorted(byBytes),
    );
  });

  it('go on after a user who has no session any more', async () => {
    const { users } = await admin.read<UserList>(`${USERS}?cursor=${cursorOf('user_id', 'annb')}`);
    expect(users.map(({ user_id }) => user_id)).toEqual(
      IDS.toSorted(byBytes).filter((id) => byBytes(id, 'annb') > 0),
    );
  });

  it.each(IDS.map((id) => [id.slice(0, 9), id]))(
    'lead to the user %s, whatever its id contains',
    async (_start, id) => {
      const user = await admin.read<User>(pathOf(id));
      expect(user).toMatchObject({ user_id: id, sessions: IDS.indexOf(id) < 3 ? 2 : 1 });
    },
  );

  it('lead to the user of an id that is longest when it is encoded', async () => {
    const id = '/'.repeat(255);
    expect(await admin.read(pathOf(id))).toMatchObject({ user_id: id, sessions: 0 });
  });

  it.each([
    'limit=0',
    'limit=-1',
    'limit=1001',
    'limit=1e3',
    'limit=1.5',
    'limit=010',
    'limit=',
    'limit=1&limit=2',
    'limit[]=1',
    'limit[__proto__]=1',
    '__proto__=1',
    'hasOwnProperty=1',
    'LIMIT=1',
    'sort=created_at',
    'user_id=anna',
    'cursor=',
    'cursor=%%%',
    'cursor=bm90IGpzb24',
    'cursor=a&cursor=b',
    `cursor=${cursorOf('user_id', 'anna')}=`,
    `cursor=${cursorOf('user_id', 'anna').slice(0, -2)}`,
    `cursor=${cursorOf('user_id', 'anna', 'more')}`,
    `cursor=${cursorOf('user_id', '')}`,
    `cursor=${cursorOf('user_id', 1)}`,
    `cursor=${cursorOf('user_id', null)}`,
    `cursor=${cursorOf('user_id', 'a\0b')}`,
    `cursor=${cursorOf('user_id', 'u'.repeat(256))}`,
    `cursor=${cursorOf('user', 'anna')}`,
    `cursor=${cursorOf('created_at', 1, '0e8fb3bb-5a3c-4be5-9f8a-1d1a3f7f6a11')}`,
    `cursor=${cursorOf({ user_id: 'anna' })}`,
    `cursor=${Buffer.from('["user_id", "anna"]').toString('base64url')}`,
    `cursor=${Buffer.from('["user_id","\\u0061nna"]').toString('base64url')}`,
    `cursor=${Buffer.from('["user_id","\\ud800"]').toString('base64url')}`,
    `cursor=${Buffer.from('["user_id","an\xff"]', 'latin1').toString('base64url')}`,
    `cursor=${'A'.repeat(8000)}`,
  ])('?%s is refused with 400, and not echoed', async (query) => {
    const { status, text } = await admin.request(`${USERS}?${query}`);
    const { message, ...rest } = JSON.parse(text) as { message: string[] };
    expect([status, rest]).toEqual([400, { error: 'Bad Request', statusCode: 400 }]);
    const [fault = '', ...more] = message;
    expect([
      'unknown parameter: use limit, cursor',
      'limit must be a whole number from 1 to 1000',
      'cursor must be the next_cursor of another page',
    ]).toContain(fault);
    expect(more.filter((one) => one !== 'limit must be a string')).toEqual([]);
  });

  it.each(['a%00b', 'a%0d%0ab', '%EF%BF%BD', '%7f', 'u'.repeat(256)])(
    'the id %s is refused with 400, and not echoed',
    async (id) => {
      const { status, text } = await admin.request(`${USERS}/${id}`);
      expect([status, JSON.parse(text)]).toEqual([
        400,
        {
          error: 'Bad Request',
          message: ['user_id must be well-formed text of 1 to 255 characters, without control characters'],
          statusCode: 400,
        },
      ]);
    },
  );

  it.each(['%E0%A4%A', '%', '%zz'])('the id %s, which cannot be decoded, is refused with 400', async (id) => {
    expect((await admin.request(`${USERS}/${id}`)).status).toBe(400);
  });

  it('an id of 10 KiB: 4xx', async () => {
    const { status } = await admin.request(`${USERS}/${'a'.repeat(10_240)}`);
    expect([400, 404, 414]).toContain(status);
  });

  it.each([
    ['GET', '/anna/sessions'],
    ['POST', ''],
    ['POST', '/anna'],
    ['DELETE', '/anna'],
    // No session has the id `users`.
    ['POST', '/cleanup'],
  ])('%s /admin/sessions/users%s: 404', async (method, path) => {
    expect((await admin.request(USERS + path, { method })).status).toBe(404);
  });

  it('are shown to nobody without a token', async () => {
    const stranger = new AdminClient(running.url, null);
    for (const path of [USERS, `${USERS}?limit=0`, pathOf('anna'), `${USERS}/a%00b`]) {
      const { status, text } = await stranger.request(path);
      expect([status, JSON.parse(text)]).toEqual([401, { message: 'Unauthorized', statusCode: 401 }]);
    }
  });
});
