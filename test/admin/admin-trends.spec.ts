import { Cleanup, SessionService, SessionsError } from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { SessionStore } from 'nest-sessions/store';
import { ManualClock } from 'nest-sessions/testing';
import { SessionsCore } from '#sessions/core/core';
import type { TrendsView } from '#sessions/operate/trends/trends-view';
import { Browser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, startApp, type AdapterName, type RunningApp } from '../support/http-app.js';
import { MemoryTrends } from '../support/memory-trends.js';
import { OwnerController } from '../support/owner-app.js';
import { AdminClient, TOKEN } from './admin-client.js';

const TRENDS = '/admin/sessions/trends';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.parse('2026-11-29T12:34:56.789Z');

const NOTHING = {
  opened: 0,
  logins: 0,
  ended: {},
  evicted: 0,
  files: {},
  bytes: {},
  requests: 0,
  refused: {},
  refused_files: {},
  cleaned: 0,
  cleanup_failures: 0,
  peak_open: 0,
  peak_users: 0,
  durations: { p50_ms: null, p90_ms: null, p99_ms: null },
};

describe.each(ADAPTERS)('admin trends on %s', (adapter: AdapterName) => {
  let clock: ManualClock;
  let running: RunningApp;
  let admin: AdminClient;

  beforeAll(async () => {
    clock = new ManualClock(NOW);
    running = await startApp(adapter, {
      imports: [SessionsAdminModule],
      controllers: [OwnerController],
      options: { adminTokens: [TOKEN], maxResources: 2, openRate: 0, adapters: { clock } },
    });
    admin = new AdminClient(running.url);
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => running.close());

  const read = (query = ''): Promise<TrendsView> => admin.read<TrendsView>(`${TRENDS}?${query}`);
  const core = (): SessionsCore => running.app.get(SessionsCore);
  const startsOf = ({ points }: TrendsView): string[] => points.map(({ start }) => start);

  describe('of a store with these counts', () => {
    let trends: MemoryTrends;
    beforeEach(() => {
      trends = new MemoryTrends();
      jest.spyOn(core().store.trends, 'read').mockImplementation((query) => trends.read(query));
    });

    async function count(at: number, counts: Record<string, number>): Promise<void> {
      const number = trends.batches.length + 1;
      await trends.add({ processId: 'a process', number, at, counts });
    }

    it('have each figure by name, and its totals: sums, the largest of peaks, percentiles', async () => {
      await count(NOW - MINUTE, {
        opened: 5,
        logins: 2,
        'ended:unconfirmed': 1,
        'ended:idle': 9,
        evicted: 3,
        'files:audio_file': 4,
        'bytes:audio_file': 4000,
        requests: 77,
        'refused:rate': 6,
        'refused_file:too_large': 8,
        cleaned: 10,
        cleanup_failures: 1,
        peak_open: 12,
        peak_users: 9,
        'duration:100': 10,
      });
      await count(NOW, { opened: 1, 'files:image': 1, 'bytes:image': 5, peak_open: 7, 'duration:0': 10 });
      const { points, totals, ...rest } = await read();
      expect(rest).toEqual({
        span: 'minute',
        from: '2026-11-29T11:35:00.000Z',
        to: '2026-11-29T12:35:00.000Z',
      });
      expect(points).toHaveLength(60);
      expect(points.slice(0, -2)).toEqual(Array.from({ length: 58 }, () => expect.objectContaining(NOTHING)));
      const [before, last] = points.slice(-2);
      expect(before).toEqual({
        start: '2026-11-29T12:33:00.000Z',
        opened: 5,
        logins: 2,
        ended: { idle: 9, unconfirmed: 1 },
        evicted: 3,
        files: { audio_file: 4 },
        bytes: { audio_file: 4000 },
        requests: 77,
        refused: { rate: 6 },
        refused_files: { too_large: 8 },
        cleaned: 10,
        cleanup_failures: 1,
        peak_open: 12,
        peak_users: 9,
        // 1.1 ** 99.5
        durations: { p50_ms: 13_139, p90_ms: 13_139, p99_ms: 13_139 },
      });
      expect(last).toMatchObject({ start: '2026-11-29T12:34:00.000Z', opened: 1, durations: { p99_ms: 0 } });
      expect(totals).toEqual({
        opened: 6,
        logins: 2,
        ended: { idle: 9, unconfirmed: 1 },
        evicted: 3,
        files: { audio_file: 4, image: 1 },
        bytes: { audio_file: 4000, image: 5 },
        requests: 77,
        refused: { rate: 6 },
        refused_files: { too_large: 8 },
        cleaned: 10,
        cleanup_failures: 1,
        peak_open: 12,
        peak_users: 9,
        durations: { p50_ms: 0, p90_ms: 13_139, p99_ms: 13_139 },
      });
    });

    it.each([
      ['', 60, '11:35', '12:35'],
      ['span=minute', 60, '11:35', '12:35'],
      ['from=2026-11-29T12:30:59Z&to=2026-11-29T12:32:01Z', 3, '12:30', '12:33'],
      ['from=2026-11-29T12:30:00Z&to=2026-11-29T12:32:00Z', 2, '12:30', '12:32'],
      ['from=2026-11-29T13:30:00%2B01:00', 5, '12:30', '12:35'],
      ['to=2026-11-29T12:00:00Z', 60, '11:00', '12:00'],
      ['from=2026-11-29T12:00:00Z&to=2026-11-29T12:00:00Z', 0, '12:00', '12:00'],
      // Minutes that have not begun.
      ['from=2026-11-29T12:34:00Z&to=2026-11-29T20:00:00Z', 1, '12:34', '12:35'],
    ])('?%s has %i minutes', async (query, count_, from, to) => {
      const view = await read(query);
      expect([view.points.length, view.from, view.to]).toEqual([
        count_,
        `2026-11-29T${from}:00.000Z`,
        `2026-11-29T${to}:00.000Z`,
      ]);
    });

    it.each([
      ['span=hour', 24, '2026-11-28T13', '2026-11-29T12'],
      ['span=day', 30, '2026-10-31T00', '2026-11-29T00'],
      ['span=day&from=2026-11-01&to=2026-11-03', 2, '2026-11-01T00', '2026-11-02T00'],
    ])('?%s has %i points, whole ones', async (query, count_, first, last) => {
      const starts = startsOf(await read(query));
      expect([starts.length, starts.at(0), starts.at(-1)]).toEqual([
        count_,
        `${first}:00:00.000Z`,
        `${last}:00:00.000Z`,
      ]);
    });

    it.each([
      ['minute', MINUTE, 2880],
      ['hour', HOUR, 720],
      ['day', DAY, 400],
    ])('go back as far as counts are kept by %s', async (span, ms, most) => {
      const from = new Date(NOW - 2900 * ms).toISOString();
      const starts = startsOf(await read(`span=${span}&from=${from}`));
      expect(starts).toHaveLength(most);
      expect(Date.parse(starts[0]!)).toBe(Math.floor(NOW / ms) * ms - (most - 1) * ms);
    });

    it('are none of a range that is not kept any more', async () => {
      const { points, totals } = await read('from=2026-11-20T12:00:00Z&to=2026-11-20T13:00:00Z');
      expect([points, totals]).toEqual([[], NOTHING]);
    });
  });

  it.each([
    'span=week',
    'span=',
    'span=minute&span=hour',
    'span[]=minute',
    'span=__proto__',
    'SPAN=minute',
    'limit=10',
    'cursor=x',
    '__proto__=1',
    'from=yesterday',
    'from=1764417600000',
    'from=2026-11-29T12:00:00',
    'from=2026-02-30',
    'from=2026-11-29&from=2026-11-28',
    'from[]=2026-11-29',
    'to=',
    'to=now',
    'to[$gt]=2026-11-29',
    // In this order, or longer than 3,000 points.
    'from=2026-11-29T12:00:00Z&to=2026-11-29T11:00:00Z',
    'from=2026-12-29T12:00:00Z',
    'from=2026-11-27T10:00:00Z&to=2026-11-29T12:01:00Z',
    'from=0001-01-01',
    'span=day&from=2001-01-01',
  ])('?%s is refused with 400, and not echoed', async (query) => {
    const { status, text } = await admin.request(`${TRENDS}?${query}`);
    expect([status, text]).toEqual([400, expect.not.stringMatching(/yesterday|week|1764417600000|0001-01/)]);
  });

  it('are no session, whatever follows in the path', async () => {
    const answers = await Promise.all([
      admin.request(`${TRENDS}/cleanup`, { method: 'POST' }),
      admin.request(TRENDS, { method: 'POST' }),
      admin.request(`${TRENDS}/minute`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('are shown to nobody without a token', async () => {
    const { status } = await new AdminClient(running.url, null).request(TRENDS);
    expect(status).toBe(401);
  });

  it('503 if the store does not answer', async () => {
    jest
      .spyOn(core().store.trends, 'read')
      .mockRejectedValueOnce(new SessionsError('STORE_UNAVAILABLE', 'no'));
    expect((await admin.request(TRENDS)).status).toBe(503);
  });

  // The last one: it moves the clock.
  it('tell what happened, in agreement with the totals, without an id', async () => {
    const anna = new Browser(running.url, 'Anna/1.0');
    await anna.fetch('/login/anna', { method: 'POST' });
    for (const bytes of [100, 200, 300, 400]) {
      clock.advance(1000);
      await anna.fetch(`/files?size=${bytes}`, { method: 'POST' });
    }
    const ben = new Browser(running.url, 'Ben/1.0');
    await ben.fetch('/files?size=7', { method: 'POST' });
    clock.advance(90_000);
    await ben.fetch('/session', { method: 'DELETE' });
    const { ledger } = running.app.get(SessionStore);
    await eventually('the file of the session is deleted', async () => (await ledger.totals()).ending === 0);
    const service = running.app.get(SessionService);
    await service.open({ ipAddress: '192.0.2.7', userAgent: 'a bot' });
    await core().alerts.check();
    clock.advance(10 * MINUTE);
    await running.app.get(Cleanup).run('idle');
    clock.advance(MINUTE);
    await core().trends.flush();

    const { points, totals } = await read();
    const stored = await ledger.totals();
    const sumOf = (name: 'evicted' | 'releasedBytes' | 'activeBytes'): number =>
      stored.types.reduce((sum, type) => sum + type[name], 0);
    expect(totals).toMatchObject({
      opened: 3,
      logins: 1,
      ended: { ended: 1, unconfirmed: 1 },
      evicted: 2,
      files: { audio_file: 5 },
      bytes: { audio_file: 1007 },
      // An opening is a request.
      requests: 8,
      refused: {},
      refused_files: {},
      cleaned: 1,
      cleanup_failures: 0,
      peak_open: 2,
    });
    expect([totals.opened, totals.evicted]).toEqual([stored.created, sumOf('evicted')]);
    expect(stored.ended).toEqual(expect.objectContaining(totals.ended));
    expect(totals.bytes['audio_file']).toBe(sumOf('releasedBytes') + sumOf('activeBytes'));
    expect(Math.abs(totals.durations.p50_ms! - 90_000)).toBeLessThanOrEqual(4500);
    expect(points.filter(({ opened }) => opened > 0).map(({ start, opened }) => [start, opened])).toEqual([
      ['2026-11-29T12:34:00.000Z', 1],
      ['2026-11-29T12:35:00.000Z', 1],
      ['2026-11-29T12:36:00.000Z', 1],
    ]);
    expect(JSON.stringify({ points, totals })).not.toMatch(/anna|Anna|192\.0\.2|[0-9a-f]{8}-/);
  });
});
