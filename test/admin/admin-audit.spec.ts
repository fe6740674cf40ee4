import { randomUUID } from 'node:crypto';
import { SessionService, SessionsError } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { ManualClock } from 'nest-sessions/testing';
import { SessionsCore } from '#sessions/core/core';
import { auditCursor } from '#sessions/operate/lists/page-cursor';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { AdminClient, KEY_ID, TOKEN } from './admin-client.js';

interface Audit {
  readonly entries: { at: string; subject: string | null; [fact: string]: unknown }[];
  readonly wrong_tokens?: { network: string; minute: string; count: number }[];
  readonly next_cursor?: string;
}

const AUDIT = '/admin/sessions/audit';
const OTHER_TOKEN = 'the-token-of-another-operator-of-this-server';
const BY = { kind: 'admin', key_id: KEY_ID };
const NONE = { sessions: 0, resources: 0, bytes: 0 };
const MINUTE = 60_000;

describe.each(ADAPTERS)('the audit on %s', (adapter: AdapterName) => {
  let clock: ManualClock;
  let running: RunningApp;
  let admin: AdminClient;

  beforeEach(async () => {
    clock = new ManualClock();
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      options: {
        adminTokens: [TOKEN, OTHER_TOKEN],
        adapters: { clock },
        openRate: 0,
        maxUnconfirmedPerNetwork: 0,
        maxSessionsPerNetwork: 0,
      },
    });
    admin = new AdminClient(running.url);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
  });

  async function open(): Promise<string> {
    const opening = await running.app.get(SessionService).open({ ipAddress: '192.0.2.7', userAgent: 'test' });
    if (opening.kind !== 'opened') throw new Error('refused');
    return opening.session.id;
  }

  const audit = (query = ''): Promise<Audit> => admin.read<Audit>(AUDIT + query);
  const now = (): string => new Date(clock.now()).toISOString();

  /** Counted beside the answer. */
  async function wrongTokens(count: number): Promise<Audit['wrong_tokens']> {
    for (let tries = 0; ; tries += 1) {
      const { wrong_tokens: counted = [] } = await audit();
      if (counted.reduce((sum, entry) => sum + entry.count, 0) >= count || tries === 50) return counted;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('is empty at first', async () => expect(await audit()).toEqual({ entries: [], wrong_tokens: [] }));

  it('has who ended a session, and who tried to', async () => {
    const id = await open();
    await admin.cleanup(id);
    clock.advance(1000);
    await new AdminClient(running.url, OTHER_TOKEN).cleanup(id);
    const { entries, wrong_tokens: wrong } = await audit();
    const [nothing, done] = entries;
    expect(done).toEqual({
      at: new Date(clock.now() - 1000).toISOString(),
      deed: 'end',
      by: BY,
      subject: id,
      outcome: 'done',
      ...NONE,
      sessions: 1,
    });
    expect(nothing).toEqual({
      at: now(),
      deed: 'end',
      by: { kind: 'admin', key_id: expect.stringMatching(/^[0-9a-f]{8}$/) as unknown },
      subject: id,
      outcome: 'nothing',
      ...NONE,
    });
    expect(nothing?.['by']).not.toEqual(BY);
    expect([entries.length, wrong]).toEqual([2, []]);
    expect(JSON.stringify(entries)).not.toContain(TOKEN.slice(0, 10));
  });

  it('has an end that failed; and a deed that it does not take is done all the same', async () => {
    const [one, other] = [await open(), await open()];
    const { endings, audit: group } = running.app.get(SessionsCore).store;
    const failure = new SessionsError('STORE_UNAVAILABLE', 'no');
    jest.spyOn(endings, 'beginEnd').mockRejectedValueOnce(failure);
    expect((await admin.cleanup(one)).status).toBe(503);
    expect((await audit()).entries).toMatchObject([{ subject: one, outcome: 'failed' }]);
    jest.spyOn(group, 'append').mockRejectedValue(failure);
    expect((await admin.cleanup(other)).status).toBe(200);
    expect((await admin.cleanup(other)).status).toBe(404);
  });

  it('has nothing of what an operator looks at, or asks of no session at all', async () => {
    const id = await open();
    for (const path of ['', `/${id}`, `/${id}/timeline`, '/metrics', '/users', '/audit'])
      await admin.request(`/admin/sessions${path}`);
    for (const path of ['no-uuid', 'audit', 'users', '%00']) await admin.cleanup(path);
    expect((await audit()).entries).toEqual([]);
  });

  it('in pages of any size has every entry once, and the wrong tokens on the first alone', async () => {
    for (let count = 0; count < 9; count += 1) {
      if (count % 3 === 0) clock.advance(1);
      await admin.cleanup(randomUUID());
    }
    const { entries } = await audit();
    expect(entries).toHaveLength(9);
    expect(entries.map(({ at }) => at)).toEqual(
      entries
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    );
    for (const limit of [1, 2, 8, 9, 10]) {
      const pages: Audit[] = [];
      let query = `?limit=${limit}`;
      while (query !== '' && pages.length < 10) {
        const page = await audit(query);
        pages.push(page);
        query = page.next_cursor === undefined ? '' : `?limit=${limit}&cursor=${page.next_cursor}`;
      }
      expect(pages.flatMap((page) => page.entries)).toEqual(entries);
      expect(pages.map((page) => 'wrong_tokens' in page)).toEqual(pages.map((_, index) => index === 0));
    }
  });

  it('of a range has its beginning, and not its end', async () => {
    const times = [];
    for (let count = 0; count < 3; count += 1) {
      times.push(now());
      await admin.cleanup(randomUUID());
      clock.advance(1000);
    }
    const [first, second, third] = times;
    const timesOf = async (query: string): Promise<string[]> =>
      (await audit(query)).entries.map(({ at }) => at);
    expect(await timesOf(`?from=${second}`)).toEqual([third, second]);
    expect(await timesOf(`?to=${second}`)).toEqual([first]);
    expect(await timesOf(`?from=${second}&to=${third}`)).toEqual([second]);
    expect(await timesOf('?from=1969-01-01&to=1970-01-01')).toEqual([]);
  });

  it('counts wrong tokens by network and minute, never missing and never right ones', async () => {
    const wrong = new AdminClient(running.url, `${TOKEN}x`);
    const minute = new Date(Math.floor(clock.now() / MINUTE) * MINUTE).toISOString();
    await Promise.all(Array.from({ length: 15 }, () => wrong.request('/admin/sessions')));
    await wrong.request('/admin/sessions', { from: '127.0.0.9' });
    await new AdminClient(running.url, null).request('/admin/sessions');
    await new AdminClient(running.url, OTHER_TOKEN).request('/admin/sessions');
    const networks = [
      { network: '127.0.0.1/32', minute, count: 15 },
      { network: '127.0.0.9/32', minute, count: 1 },
    ];
    expect(await wrongTokens(16)).toEqual(networks);
    clock.advance(MINUTE);
    await wrong.request(AUDIT);
    expect(await wrongTokens(17)).toHaveLength(3);
    const { wrong_tokens: later } = await audit(`?from=${now()}`);
    expect(later).toMatchObject([{ network: '127.0.0.1/32', count: 1 }]);
    expect((await audit(`?to=${minute}`)).wrong_tokens).toEqual([]);
    expect((await audit()).entries).toEqual([]);
  });

  it('delays and fails no answer to a wrong token, though the store never takes the count', async () => {
    const { audit: group } = running.app.get(SessionsCore).store;
    const counting = jest.spyOn(group, 'countWrongToken').mockReturnValue(new Promise(() => {}));
    const wrong = new AdminClient(running.url, 'wrong');
    for (let count = 0; count < 40; count += 1)
      expect([401, 429]).toContain((await wrong.request('/admin/sessions')).status);
    // More do not wait in the store.
    expect(counting.mock.calls.length).toBeLessThan(20);
    counting.mockRejectedValue(new SessionsError('STORE_UNAVAILABLE', 'no'));
    const stranger = new AdminClient(running.url, 'wrong');
    expect((await stranger.request('/admin/sessions', { from: '127.0.0.8' })).status).toBe(401);
    expect((await admin.request('/admin/sessions')).status).toBe(200);
  });

  it('keeps its entries, whatever 5,000 visitors are refused', async () => {
    const id = await open();
    await admin.cleanup(id);
    const { service, events } = running.app.get(SessionsCore);
    const flooded = await open();
    for (let count = 0; count < 5000; count += 1) {
      const sizes = { sizeBytes: 10 ** 9, limitBytes: 10 ** 8, network: `192.0.2.${count % 256}` };
      events.emit('resource.refused', { sessionId: flooded, reason: 'too_large', ...sizes });
      if (count % 50 === 0) await service.open({ ipAddress: '192.0.2.7', userAgent: `bot ${count}` });
    }
    const { entries } = await admin.read<Audit>(`/admin/sessions/${flooded}/timeline`);
    expect(entries.length).toBeLessThanOrEqual(101);
    expect((await audit()).entries).toMatchObject([{ subject: id, outcome: 'done' }]);
  });

  it('503 if the store does not answer', async () => {
    const { audit: group } = running.app.get(SessionsCore).store;
    jest.spyOn(group, 'read').mockRejectedValueOnce(new SessionsError('STORE_UNAVAILABLE', 'no'));
    expect((await admin.request(AUDIT)).status).toBe(503);
  });
});

describe.each(ADAPTERS)('bad input to the audit on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let admin: AdminClient;

  beforeAll(async () => {
    const options = { adminTokens: [TOKEN] };
    running = await startApp(adapter, { imports: [SessionsAdminModule], options });
    admin = new AdminClient(running.url);
  });
  afterAll(() => running.close());

  it.each([
    'limit=0',
    'limit=1001',
    'limit=1&limit=2',
    'from=',
    'from=yesterday',
    'from=1764437400000',
    'from=2026-11-29T17:30:00',
    'from=2026-11-29T17:30:00+01:00',
    'from=2026-02-30',
    'from[]=2026-11-29',
    'from=2026-11-29&from=2026-11-30',
    'to=2026-11-29%00',
    'to=2026-11-29%0a',
    `to=${'2'.repeat(5000)}`,
    'from=2026-11-30&to=2026-11-29',
    'since=2026-11-30',
    'user_id=anna',
    '__proto__=1',
    'cursor=',
    'cursor=zzz',
    `cursor=${auditCursor('é')}`,
    `cursor=${auditCursor('1-0')}=`,
    `cursor=${'A'.repeat(8000)}`,
  ])('?%s is refused with 400, and not echoed', async (query) => {
    const { status, text } = await admin.request(`${AUDIT}?${query}`);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ error: 'Bad Request', statusCode: 400 });
    expect(text).not.toMatch(/zzz|yesterday|22222/);
  });

  it.each(['0', '-1', 'x', '1-0', '0-0', '1:2', '1.5', '9'.repeat(200), '[1]', 'null', '(', '+', '~'])(
    'a cursor with the position %s, which no page had, is refused or leads somewhere, and is never a 500',
    async (position) => {
      await admin.cleanup(randomUUID());
      const { status } = await admin.request(`${AUDIT}?cursor=${auditCursor(position)}`);
      expect([200, 400]).toContain(status);
    },
  );

  it.each(['2026-11-29', '2026-11-29T17:30:00%2B01:00', '2026-11-29T17:30Z', '9999-12-31T23:59:59Z'])(
    'from %s is fine',
    async (from) => expect((await admin.request(`${AUDIT}?from=${from}`)).status).toBe(200),
  );
});
