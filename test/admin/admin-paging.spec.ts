import { SessionService } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { ManualClock } from 'nest-sessions/testing';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { AdminClient, TOKEN, type SessionList } from './admin-client.js';

const SORTS = ['created_at', '-created_at', 'last_activity', '-last_activity'] as const;

describe.each(ADAPTERS)('admin pages on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let admin: AdminClient;

  /** Opens 25 sessions, five per instant; every third is active again later, all in one instant. */
  beforeAll(async () => {
    const clock = new ManualClock();
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      options: { adminTokens: [TOKEN], adapters: { clock } },
    });
    admin = new AdminClient(running.url);
    const sessions = running.app.get(SessionService);
    const opened: { id: string }[] = [];
    for (let count = 0; count < 25; count += 1) {
      if (count % 5 === 0) clock.advance(1000);
      const opening = await sessions.open({ ipAddress: '192.0.2.7', userAgent: 'test' });
      if (opening.kind !== 'opened') throw new Error('refused');
      if (count % 4 === 0) await sessions.login(opening.session, 'dora');
      opened.push(opening.session);
    }
    clock.advance(1000);
    for (const [index, session] of opened.entries()) if (index % 3 === 0) sessions.touch(session);
  });

  afterAll(() => running.close());

  async function pages(query: string): Promise<SessionList[]> {
    const read: SessionList[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const next: string = cursor && `&cursor=${cursor}`;
      const page: SessionList = await admin.read<SessionList>(`/admin/sessions?${query}${next}`);
      read.push(page);
      cursor = page.next_cursor;
      if (read.length > 30) throw new Error('The pages do not end');
    }
    return read;
  }

  it.each(SORTS)('lists every session once, ordered by %s, then by id', async (sort) => {
    const read = await pages(`sort=${sort}&limit=7`);
    expect(read.map(({ sessions }) => sessions.length)).toEqual([7, 7, 7, 4]);
    const told = read.flatMap(({ sessions }) => sessions);
    expect(new Set(told.map(({ session_id }) => session_id)).size).toBe(25);
    const field = sort.endsWith('created_at') ? 'created_at' : 'last_activity';
    const sign = sort.startsWith('-') ? -1 : 1;
    const inOrder = told.toSorted(
      (a, b) => sign * compare(a[field], b[field]) || compare(a.session_id, b.session_id),
    );
    expect(told).toEqual(inOrder);
    expect(new Set(told.map((session) => session[field])).size).toBeLessThan(12);
  });

  it('has no next page if the last one is exactly full', async () => {
    expect((await pages('limit=5')).map(({ sessions }) => sessions.length)).toEqual([5, 5, 5, 5, 5]);
  });

  it('lists all sessions at once, oldest first, without parameters', async () => {
    const [all, ...more] = await pages('');
    expect(more).toEqual([]);
    expect(all?.sessions.map(({ created_at }) => created_at)).toEqual(
      all?.sessions.map(({ created_at }) => created_at).toSorted(),
    );
    expect(all?.sessions).toHaveLength(25);
  });

  it('pages through the sessions of one user', async () => {
    const told = (await pages('user_id=dora&limit=3&sort=-created_at')).map(({ sessions }) => sessions);
    expect(told.map((page) => page.length)).toEqual([3, 3, 1]);
    expect(new Set(told.flat().map(({ user_id }) => user_id))).toEqual(new Set(['dora']));
    expect((await pages('user_id=nobody')).map(({ sessions }) => sessions)).toEqual([[]]);
  });
});

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
