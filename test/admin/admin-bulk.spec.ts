import { request } from 'node:http';
import { randomUUID } from 'node:crypto';
import { SessionService, SessionsError } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { ManualClock } from 'nest-sessions/testing';
import { SessionsCore } from '#sessions/core/core';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, startApp, type AdapterName, type AppParts, type RunningApp } from '../support/http-app.js';
import { OwnerController } from '../support/owner-app.js';
import { TwoNodes } from '../support/two-nodes.js';
import { AdminClient, KEY_ID, TOKEN } from './admin-client.js';

const BULK = '/admin/sessions/cleanup';

interface Report {
  readonly matched: number;
  readonly cleaned: number;
  readonly as_of: string;
  readonly session_ids?: readonly string[];
  readonly [field: string]: unknown;
}

interface Audit {
  readonly entries: { deed: string; outcome: string; subject: string | null; sessions: number }[];
}

describe.each(ADAPTERS)('ending many sessions on %s', (adapter: AdapterName) => {
  let clock: ManualClock;
  let running: RunningApp;
  let admin: AdminClient;

  async function start(parts: Partial<AppParts> = {}): Promise<void> {
    clock = new ManualClock();
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OwnerController],
      options: {
        adminTokens: [TOKEN],
        adapters: { clock },
        openRate: 0,
        maxUnconfirmedPerNetwork: 0,
        maxSessionsPerNetwork: 0,
        store: 'memory',
      },
      ...parts,
    });
    admin = new AdminClient(running.url);
  }

  beforeEach(() => start());
  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
  });

  async function open(user?: string): Promise<{ browser: Browser; id: string }> {
    const browser = new Browser(running.url);
    const { id } = (await (await browser.fetch('/hello')).json()) as { id: string };
    if (user !== undefined) await browser.fetch(`/login/${user}`, { method: 'POST' });
    return { browser, id };
  }

  async function openMany(count: number): Promise<void> {
    const service = running.app.get(SessionService);
    for (let opened = 0; opened < count; opened += 1)
      await service.open({ ipAddress: '192.0.2.7', userAgent: 'test' });
  }

  const active = async (): Promise<number> => (await running.app.get(SessionService).totals()).open;
  const audit = (): Promise<Audit> => admin.read<Audit>('/admin/sessions/audit');

  async function end(body: object): Promise<Report> {
    const { status, text } = await admin.post(BULK, body);
    expect([status, text]).toEqual([200, expect.any(String)]);
    return JSON.parse(text) as Report;
  }

  it('counts in a dry run, ends in the run what the dry run saw, and says both in the same form', async () => {
    const { browser } = await open('anna');
    await browser.fetch('/files?size=1000', { method: 'POST' });
    await browser.fetch('/streams', { method: 'POST' });
    await open('anna');
    const { id: ofBen } = await open('ben');
    const dry = await end({ filter: { user_id: 'anna' }, dry_run: true });
    const figures = { failed: [], resources: 2, bytes: 1000, as_of: new Date(clock.now()).toISOString() };
    const { session_ids: ids = [], ...counted } = dry;
    expect(counted).toEqual({ dry_run: true, matched: 2, cleaned: 0, ...figures });
    expect(ids).toHaveLength(2);
    expect(await active()).toBe(3);
    clock.advance(1000);
    const { id: later } = await open('anna');
    const done = await end({ filter: { user_id: 'anna' }, as_of: dry.as_of });
    expect(done).toEqual({ dry_run: false, matched: 2, cleaned: 2, ...figures });
    const { sessions } = await admin.read<{ sessions: { session_id: string }[] }>('/admin/sessions');
    expect(sessions.map(({ session_id: id }) => id)).toEqual([ofBen, later]);
    const { entries } = await audit();
    expect(entries.map(({ deed }) => deed).toSorted()).toEqual(['end', 'end', 'end-many']);
    expect(entries).toContainEqual(
      expect.objectContaining({
        deed: 'end-many',
        by: { kind: 'admin', key_id: KEY_ID },
        // Who is forgotten has no name in the audit.
        subject: 'user_id',
        outcome: 'done',
        sessions: 2,
        resources: 2,
        bytes: 1000,
      }),
    );
  });

  it('takes no parameters in the URL: whoever writes dry_run there means to end nothing', async () => {
    const { id } = await open('anna');
    for (const path of [`${BULK}?dry_run=true`, `/admin/sessions/${id}/cleanup?dry_run=true`]) {
      expect(await admin.post(path, { filter: { user_id: 'anna' } })).toMatchObject({ status: 400 });
    }
    expect(await active()).toBe(1);
  });

  it('spares who logged in after the dry run', async () => {
    const { browser } = await open();
    await open('anna');
    const dry = await end({ filter: { user_id: 'anna' }, dry_run: true });
    clock.advance(1000);
    await browser.fetch('/login/anna', { method: 'POST' });
    expect(await end({ filter: { user_id: 'anna' }, as_of: dry.as_of })).toMatchObject({
      matched: 1,
      cleaned: 1,
    });
    expect(await active()).toBe(1);
  });

  it('spares who comes back between the dry run and the run, by a request of theirs', async () => {
    const { browser, id } = await open('anna');
    const { id: idle } = await open('ben');
    clock.advance(400_000);
    const filter = { idle_over: 300 };
    const dry = await end({ filter, dry_run: true });
    expect(dry.matched).toBe(2);
    await browser.fetch('/hello');
    expect(await end({ filter, as_of: dry.as_of })).toMatchObject({ matched: 1, cleaned: 1 });
    expect((await admin.request(`/admin/sessions/${id}`)).text).toContain('"user_id":"anna"');
    expect((await admin.request(`/admin/sessions/${idle}`)).text).toContain('"state":"ended"');
  });

  it('judges idleness as of the dry run: who became idle since was not seen by it', async () => {
    await open('ben');
    clock.advance(300_000);
    await open('anna');
    const filter = { idle_over: 300 };
    const { as_of } = await end({ filter, dry_run: true });
    clock.advance(500_000);
    expect(await end({ filter, as_of })).toMatchObject({ matched: 1, cleaned: 1 });
    expect(await end({ filter, dry_run: true })).toMatchObject({ matched: 1 });
  });

  it('takes the filters of the list, numbers also as text', async () => {
    const { browser } = await open('anna');
    await browser.fetch('/files?size=1000', { method: 'POST' });
    await open();
    const matched = async (filter: object): Promise<number> => (await end({ filter, dry_run: true })).matched;
    expect(await matched({ bytes_over: 999 })).toBe(1);
    expect(await matched({ bytes_over: '1000' })).toBe(0);
    expect(await matched({ near_limit: 1 })).toBe(1);
    expect(await matched({ ip: '127.0.0.0/8' })).toBe(2);
    expect(await matched({ ip: '127.0.0.1', user_id: 'anna' })).toBe(1);
    expect(await matched({ idle_over: 0 })).toBe(2);
    expect(await matched({ ip: '192.0.2.1' })).toBe(0);
  });

  it('ends nothing that the dry run did not list, nor what matches no longer', async () => {
    const { browser: shrinking, id: shrunk } = await open();
    await shrinking.fetch('/files?size=1000', { method: 'POST' });
    const { browser: holding, id: held } = await open();
    await holding.fetch('/files?size=1000', { method: 'POST' });
    const { browser: growing, id: grown } = await open();
    const filter = { bytes_over: 500 };
    const { session_ids: ids = [], as_of } = await end({ filter, dry_run: true });
    expect(ids.toSorted()).toEqual([shrunk, held].toSorted());
    await growing.fetch('/files?size=1000', { method: 'POST' });
    const service = running.app.get(SessionService);
    for (const { id } of (await service.describe({ id: shrunk }))?.resources ?? [])
      await service.release({ id });
    expect(await end({ filter, ids, as_of })).toMatchObject({ matched: 1, cleaned: 1, failed: [] });
    const { sessions } = await admin.read<{ sessions: { session_id: string }[] }>('/admin/sessions');
    expect(sessions.map(({ session_id: left }) => left).toSorted()).toEqual([shrunk, grown].toSorted());
  });

  it('ends those with the given ids, and names those that are no live session', async () => {
    const [{ id: one }, { id: other }, { id: left }] = [await open(), await open(), await open()];
    const unknown = randomUUID();
    const gone = [{ session_id: unknown, code: 'SESSION_GONE' }];
    const ids = [one, unknown, other, one];
    expect(await end({ ids, dry_run: true })).toMatchObject({ matched: 2, cleaned: 0, failed: gone });
    expect(await end({ ids })).toMatchObject({ matched: 2, cleaned: 2, failed: gone });
    expect((await admin.request(`/admin/sessions/${left}`)).text).toContain('"user_id":null');
    expect(await active()).toBe(1);
  });

  it('goes on where one fails', async () => {
    const ids = [(await open()).id, (await open()).id, (await open()).id];
    const { endings } = running.app.get(SessionsCore).store;
    const begin = endings.beginEnd.bind(endings);
    jest.spyOn(endings, 'beginEnd').mockImplementation(async (id, ...more) => {
      if (id === ids[1]) throw new SessionsError('STORE_UNAVAILABLE', 'no');
      return begin(id, ...more);
    });
    expect(await end({ filter: { idle_over: 0 } })).toMatchObject({
      matched: 3,
      cleaned: 2,
      failed: [{ session_id: ids[1], code: 'STORE_UNAVAILABLE' }],
    });
    const { entries } = await audit();
    expect(entries.find(({ deed }) => deed === 'end-many')).toMatchObject({ outcome: 'failed', sessions: 2 });
  });

  it('ends 3,000 in one request, and serves others meanwhile', async () => {
    await openMany(3000);
    const browser = new Browser(running.url);
    await browser.fetch('/login/anna', { method: 'POST' });
    let [served, isDone] = [0, false];
    const asOf = new Date(clock.now() - 1).toISOString();
    clock.advance(1);
    const filter = { ip: '192.0.2.7' };
    const [report] = await Promise.all([
      end({ filter }).finally(() => (isDone = true)),
      (async () => {
        while (!isDone) {
          expect((await browser.fetch('/hello')).status).toBe(200);
          served += 1;
        }
      })(),
    ]);
    expect(report).toMatchObject({ matched: 3000, cleaned: 3000, failed: [] });
    expect(served).toBeGreaterThan(10);
    expect(await active()).toBe(1);
    expect(await end({ filter, as_of: asOf })).toMatchObject({ matched: 0, cleaned: 0 });
  });

  it('goes on to the end where the client goes away', async () => {
    await openMany(200);
    const { endings } = running.app.get(SessionsCore).store;
    const begin = endings.beginEnd.bind(endings);
    const outgoing = request(`${running.url}${BULK}`, {
      method: 'POST',
      headers: { 'X-Admin-Token': TOKEN, 'Content-Type': 'application/json' },
    });
    outgoing.on('error', () => {});
    jest.spyOn(endings, 'beginEnd').mockImplementation((...args) => {
      outgoing.destroy();
      return begin(...args);
    });
    outgoing.end(JSON.stringify({ filter: { ip: '192.0.2.7' } }));
    await eventually('the audit has the whole run', async () => {
      const { entries } = await audit();
      return entries.some(({ deed, sessions }) => deed === 'end-many' && sessions === 200);
    });
    expect(await active()).toBe(0);
  });

  it('stops at a shutdown, and says so', async () => {
    await openMany(2000);
    const { endings } = running.app.get(SessionsCore).store;
    const begin = endings.beginEnd.bind(endings);
    let closing: Promise<void> | undefined;
    jest.spyOn(endings, 'beginEnd').mockImplementation((...args) => {
      closing ??= running.app.close();
      return begin(...args);
    });
    const report = await end({ filter: { ip: '192.0.2.7' } });
    expect(report).toMatchObject({ stopped: true, matched: 2000 });
    expect(report.cleaned).toBeLessThan(2000);
    await closing;
    await start();
  });

  it('refuses more than 10,000 that match with 409, and ends none', async () => {
    await openMany(10_001);
    for (const dry of [true, false]) {
      const { status, text } = await admin.post(BULK, { filter: { idle_over: 0 }, dry_run: dry });
      expect([status, JSON.parse(text)]).toEqual([
        409,
        expect.objectContaining({
          code: 'BULK_TOO_LARGE',
          message: expect.stringContaining('10000') as unknown,
        }),
      ]);
    }
    expect(await active()).toBe(10_001);
  });

  const id = randomUUID();
  it.each([
    ['nothing', {}],
    ['an empty filter', { filter: {} }],
    ['an empty filter beside ids', { filter: {}, ids: [id] }],
    ['an unknown field', { filter: { idle_over: 0 }, dryRun: true }],
    ['an unknown filter', { filter: { idle_over: 0, user: 'anna' } }],
    ['a filter of no prototype', '{"filter":{"__proto__":{"idle_over":0}}}'],
    ['a filter of the list that is none', { filter: { limit: 10 } }],
    ['a state', { filter: { state: 'live' } }],
    ['an empty value', { filter: { user_id: '' } }],
    ['a null in the filter', { filter: { idle_over: null } }],
    ['a null beside a filter', { filter: { ip: '127.0.0.1', idle_over: null } }],
    ['a list in the filter', { filter: { user_id: ['anna'] } }],
    ['a fraction', { filter: { idle_over: 0.5 } }],
    ['a negative number', { filter: { idle_over: -1 } }],
    ['a number that is none', { filter: { bytes_over: '1e3' } }],
    ['a percentage above 100', { filter: { near_limit: 101 } }],
    ['no address', { filter: { ip: 'localhost' } }],
    ['a filter that is a text', { filter: 'all' }],
    ['a filter that is a list', { filter: [] }],
    ['a filter that is null', { filter: null, ids: [id] }],
    ['no ids', { ids: [] }],
    ['an id that is none', { ids: [id, 'all'] }],
    ['an id in capitals', { ids: [id.toUpperCase()] }],
    ['ids that are a text', { ids: id }],
    ['a dry run that is a text', { ids: [id], dry_run: 'true' }],
    ['a dry run that is null', { ids: [id], dry_run: null }],
    ['an instant that is none', { ids: [id], as_of: 'yesterday' }],
    ['an instant that is null', { filter: { idle_over: 0 }, as_of: null }],
    ['an instant that is a number', { filter: { idle_over: 0 }, as_of: 1_764_437_400_000 }],
    ['a list', []],
    ['a text', '"all"'],
    ['null', 'null'],
    ['no JSON', '{"filter":'],
  ])('refuses %s with 400, and ends nothing', async (_what, body) => {
    await open('anna');
    const { status, text } = await admin.post(BULK, body);
    expect([status, text]).toEqual([400, expect.any(String)]);
    expect(text).not.toMatch(/yesterday|localhost|at \S+:\d+/);
    expect(await active()).toBe(1);
    expect((await audit()).entries).toEqual([]);
  });

  it('refuses more than 10,000 ids, and a body that is no JSON', async () => {
    await running.close();
    // The parser of Express takes 100 kB.
    await start({ bodyParser: false });
    const many = Array.from({ length: 10_001 }, () => randomUUID());
    expect((await admin.post(BULK, { ids: many })).status).toBe(400);
    expect((await admin.post(BULK, { ids: many.slice(1), dry_run: true })).status).toBe(200);
    const forms = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'];
    for (const type of forms) {
      const answer = await admin.post(BULK, { filter: { idle_over: 0 } }, { 'content-type': type });
      expect([type, answer.status]).toEqual([type, 415]);
    }
    expect((await admin.post(BULK, ' '.repeat(1_100_000))).status).toBe(413);
    expect((await admin.post(BULK, '')).status).toBe(400);
  });

  it('reads the body where the application has no parser', async () => {
    await running.close();
    await start({ bodyParser: false });
    await open('anna');
    expect(await end({ filter: { user_id: 'anna' } })).toMatchObject({ matched: 1, cleaned: 1 });
    expect((await admin.post(BULK, '{"filter":')).status).toBe(400);
  });
});

describe.each(ADAPTERS)('ending many sessions with files on two nodes, on %s', (adapter) => {
  it('answers 202 while one is away, with what is left to delete', async () => {
    const nodes = await TwoNodes.start(adapter, { here: { adminTokens: [TOKEN] } });
    await nodes.addFile(nodes.here);
    await nodes.addFile(nodes.there);
    await nodes.there.close();
    const { status, text } = await new AdminClient(nodes.here.url).post(BULK, { ids: [nodes.sessionId] });
    expect([status, JSON.parse(text)]).toEqual([
      202,
      expect.objectContaining({
        matched: 1,
        cleaned: 1,
        resources: 1,
        bytes: 10,
        pending: { resources: 1, bytes: 10, nodes: [expect.any(String)] },
      }),
    ]);
    await nodes.closeHere();
  });
});
