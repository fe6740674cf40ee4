import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { SessionService, type Session } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { ManualClock } from 'nest-sessions/testing';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { AdminClient, TOKEN } from './admin-client.js';

interface Listed {
  readonly session_id: string;
  readonly user_id: string | null;
  readonly total_bytes_used: number;
  readonly share_of_limit: number;
  readonly resources?: readonly object[];
  readonly [field: string]: unknown;
}

interface List {
  readonly sessions: readonly Listed[];
  readonly stats: object;
  readonly next_cursor?: string;
}

const LIMITS = { maxResources: 10, maxBytes: 1000 };

describe.each(ADAPTERS)('filtered admin lists on %s', (adapter: AdapterName) => {
  let running: RunningApp;
  let admin: AdminClient;
  let clock: ManualClock;
  let service: SessionService;
  let names: Map<string, string>;

  beforeEach(async () => {
    clock = new ManualClock();
    names = new Map();
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      options: { adminTokens: [TOKEN], store: 'memory', ...LIMITS, adapters: { clock } },
    });
    admin = new AdminClient(running.url);
    service = running.app.get(SessionService);
  });

  afterEach(() => running.close());

  async function open(
    name: string,
    ipAddress = '192.0.2.7',
    files: readonly number[] = [],
  ): Promise<Session> {
    const opening = await service.open({ ipAddress, userAgent: 'test' });
    if (opening.kind !== 'opened') throw new Error('refused');
    const { session } = opening;
    names.set(session.id, name);
    for (const bytes of files) {
      const sink = await service.createFile(session, { type: 'file' });
      await pipeline(Readable.from([Buffer.alloc(bytes)], { objectMode: false }), sink);
    }
    service.touch(session);
    return session;
  }

  async function listed(query: string): Promise<string[]> {
    const { sessions } = await admin.read<List>(`/admin/sessions?${query}`);
    return sessions.map(({ session_id }) => names.get(session_id) ?? session_id);
  }

  async function pages(query: string, between: () => Promise<unknown> = async () => {}): Promise<string[]> {
    const found: string[] = [];
    let cursor = '';
    for (let read = 0; read < 100; read += 1) {
      const page: List = await admin.read<List>(`/admin/sessions?${query}${cursor}`);
      found.push(...page.sessions.map(({ session_id }) => names.get(session_id) ?? session_id));
      if (page.next_cursor === undefined) return found;
      cursor = `&cursor=${page.next_cursor}`;
      await between();
    }
    throw new Error('The pages do not end');
  }

  /** In the order of their opening. */
  async function six(): Promise<void> {
    const ada = await open('ada', '192.0.2.7', [100]);
    await service.login(ada, 'ada');
    clock.advance(10_000);
    const second = await open('ada too', '192.0.2.8', [300, 500]);
    await service.login(second, 'ada');
    clock.advance(10_000);
    await open('many files', '198.51.100.1', [1, 1, 1, 1, 1, 1, 1, 1]);
    clock.advance(10_000);
    await open('six', '2001:db8::7', [700]);
    clock.advance(10_000);
    await open('empty', '198.51.100.2');
    service.touch(ada);
  }

  it('each filter, and several', async () => {
    await six();
    const all = ['ada', 'ada too', 'many files', 'six', 'empty'];
    expect(await listed('')).toEqual(all);
    expect(await listed('state=live')).toEqual(all);
    expect(await listed('user_id=ada')).toEqual(['ada', 'ada too']);
    expect(await listed('ip=192.0.2.7')).toEqual(['ada']);
    expect(await listed('ip=::ffff:192.0.2.7')).toEqual(['ada']);
    expect(await listed('ip=192.0.2.0/24')).toEqual(['ada', 'ada too']);
    expect(await listed('ip=192.0.2.99/24')).toEqual(['ada', 'ada too']);
    expect(await listed('ip=2001:DB8::/32')).toEqual(['six']);
    expect(await listed('idle_over=0')).toEqual(all);
    expect(await listed('idle_over=20')).toEqual(['ada too', 'many files']);
    expect(await listed('idle_over=21')).toEqual(['ada too']);
    expect(await listed('bytes_over=0')).toEqual(all.slice(0, 4));
    expect(await listed('bytes_over=100')).toEqual(['ada too', 'six']);
    expect(await listed('near_limit=80')).toEqual(['ada too', 'many files']);
    expect(await listed('near_limit=81')).toEqual([]);
    expect(await listed('near_limit=1')).toEqual(all.slice(0, 4));
    expect(await listed('user_id=ada&bytes_over=100&ip=192.0.2.8&idle_over=5&near_limit=50')).toEqual([
      'ada too',
    ]);
    expect(await listed('user_id=ada&near_limit=81')).toEqual([]);
    expect(await listed('near_limit=1&sort=-total_bytes_used')).toEqual([
      'ada too',
      'six',
      'ada',
      'many files',
    ]);
    expect(await listed('sort=total_bytes_used&limit=2')).toEqual(['empty', 'many files']);
  });

  it('tells the largest share of a limit, and no resources where they are not asked for', async () => {
    await six();
    const { sessions, stats } = await admin.read<List>('/admin/sessions?resources=none');
    expect(sessions.map(({ share_of_limit }) => share_of_limit)).toEqual([10, 80, 80, 70, 0]);
    expect(sessions.filter((session) => 'resources' in session)).toEqual([]);
    expect(stats).toMatchObject({ active_sessions: 5 });
    const whole = await admin.read<List>('/admin/sessions?resources=all');
    expect(whole.sessions.map(({ resources }) => resources?.length)).toEqual([1, 2, 8, 1, 0]);
    const shown = await admin.read<Listed>(`/admin/sessions/${sessions[1]?.session_id}`);
    expect(shown).toMatchObject({ share_of_limit: 80, total_bytes_used: 800 });
  });

  it('pages by cursor leave none out and repeat none while others come and go', async () => {
    const stay: string[] = [];
    for (let count = 0; count < 20; count += 1) {
      clock.advance(1000);
      const name = `stays ${count}`;
      await open(name, count % 2 === 0 ? '192.0.2.7' : '198.51.100.7', [count % 3]);
      if (count % 2 === 0) stay.push(name);
    }
    for (const sort of ['created_at', '-created_at', 'last_activity', '-total_bytes_used']) {
      let passing: Session | null = null;
      const found = await pages(`ip=192.0.2.0/24&limit=3&sort=${sort}&resources=none`, async () => {
        if (passing) await service.end(passing);
        passing = await open('passes', '192.0.2.9', [1]);
      });
      const stayed = found.filter((name) => name !== 'passes');
      expect([sort, stayed.toSorted()]).toEqual([sort, stay.toSorted()]);
      expect(found.length - stayed.length).toBeLessThan(10);
      await service.end(passing!);
    }
  });

  it('lists what ended, latest first, with how and by whom; of all or of one user', async () => {
    const ada = await open('ada', '192.0.2.7', [100]);
    await service.login(ada, 'ada');
    const [eve, last] = [await open('eve'), await open('last')];
    await service.login(eve, 'eve');
    for (const session of [ada, eve]) {
      clock.advance(5000);
      expect((await admin.cleanup(session.id)).status).toBe(200);
    }
    clock.advance(1000);
    await service.end(last, 'ended', { thorough: true });
    expect(await listed('')).toEqual([]);
    expect(await listed('state=ended')).toEqual(['last', 'eve', 'ada']);
    expect(await pages('state=ended&limit=1')).toEqual(['last', 'eve', 'ada']);
    expect(await listed('state=ended&user_id=ada')).toEqual(['ada']);
    expect(await listed('state=ended&user_id=nobody')).toEqual([]);
    const { sessions, stats } = await admin.read<List>('/admin/sessions?state=ended&user_id=ada');
    expect(stats).toMatchObject({ active_sessions: 0, total_sessions_cleaned: 3 });
    const [row] = sessions;
    expect(row).toMatchObject({
      session_id: ada.id,
      state: 'ended',
      end_reason: 'admin',
      ended_by: { kind: 'admin' },
      resource_count: 1,
      total_bytes_used: 100,
      duration_seconds: 5,
    });
    expect(await admin.read(`/admin/sessions/${ada.id}`)).toEqual(row);
  });
});
