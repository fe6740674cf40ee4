import { TrendRecorder } from '#sessions/core/journal/trend-recorder';
import { TouchBuffer } from '#sessions/core/process/touch-buffer';
import { SessionEventBus } from '#sessions/core/watch/event-bus';
import { RepeatedFailures } from '#sessions/core/watch/repeated-failures';
import { sumOfCounts } from '#sessions/domain/trends/trend';
import type { SessionsGroup } from '#sessions/ports/sessions';
import type { SessionStore } from '#sessions/ports/store/session-store';
import type { ThisProcess } from '#sessions/core/process/this-process';
import { ManualClock } from '#sessions/testing/manual-clock';
import { MemoryTrends } from '../support/memory-trends.js';

const MINUTE = 60_000;
const NOON = Date.parse('2026-11-29T12:00:00.000Z');
const PROCESS = 'a process';

describe('The counts of a process', () => {
  let clock: ManualClock;
  let trends: MemoryTrends;
  let touches: TouchBuffer;
  let events: SessionEventBus;
  let recorder: TrendRecorder;
  let logged: string[];
  const touch = jest.fn();

  beforeEach(() => {
    clock = new ManualClock(NOON + 10_000);
    trends = new MemoryTrends();
    touch.mockReset().mockResolvedValue(undefined);
    touches = new TouchBuffer({ touch } as unknown as SessionsGroup, clock.now());
    logged = [];
    const log = { debug() {}, log() {}, error() {}, warn: (line: string) => void logged.push(line) };
    const failures = new RepeatedFailures(clock, log);
    events = new SessionEventBus(failures);
    recorder = new TrendRecorder({
      clock,
      events,
      failures,
      touches,
      store: { trends } as unknown as SessionStore,
      thisProcess: { id: PROCESS } as unknown as ThisProcess,
    });
  });

  async function nextMinute(): Promise<void> {
    clock.advance(MINUTE);
    await recorder.flush();
  }

  const request = (): void => touches.add('a session', clock.now(), 1);
  const sent = (): object =>
    trends.batches.map(({ number, at, counts }) => [number, (at - NOON) / MINUTE, counts]);
  const total = async (): Promise<object> =>
    sumOfCounts((await trends.read({ span: 'minute', from: 0, to: 1e15 })).map(({ counts }) => counts));

  it('are requests, refusals, cleanups and the most open sessions, a batch a minute', async () => {
    await recorder.flush();
    events.emit('session.opened', { sessionId: 'a session', at: clock.now() });
    request();
    touches.add('a session', clock.now(), 0);
    events.emit('session.refused', { reason: 'rate' });
    events.emit('session.refused', { reason: 'rate' });
    const refusal = { sessionId: null, sizeBytes: null, limitBytes: null, network: null };
    events.emit('resource.refused', { ...refusal, reason: 'too_large' });
    events.emit('cleanup.finished', { job: 'idle', items: 4, failures: 1, durationMs: 7 });
    events.emit('cleanup.finished', { job: 'orphans', items: 0, failures: 0, durationMs: 7 });
    for (const open of [3, 9, 5]) recorder.see(open, open - 1);
    clock.advance(49_999);
    await recorder.flush();
    expect(sent()).toEqual([]);
    clock.advance(1);
    await recorder.flush();
    request();
    await nextMinute();
    expect(sent()).toEqual([
      [
        1,
        0,
        {
          requests: 2,
          'refused:rate': 2,
          'refused_file:too_large': 1,
          cleaned: 4,
          cleanup_failures: 1,
          peak_open: 9,
          peak_users: 8,
        },
      ],
      [2, 1, { requests: 1 }],
    ]);
    expect(trends.batches.map(({ processId }) => processId)).toEqual([PROCESS, PROCESS]);
  });

  it('are not sent while nothing happens', async () => {
    await recorder.flush();
    recorder.see(0, null);
    events.emit('cleanup.finished', { job: 'idle', items: 0, failures: 0, durationMs: 7 });
    await nextMinute();
    await recorder.stop();
    expect(sent()).toEqual([]);
  });

  it('count a request once, also if its touch has to be written again', async () => {
    await recorder.flush();
    request();
    touch.mockRejectedValueOnce(new Error('away'));
    await expect(touches.flush(clock.now())).rejects.toThrow('away');
    await touches.flush(clock.now());
    expect(touch).toHaveBeenCalledTimes(2);
    await nextMinute();
    expect(await total()).toEqual({ requests: 1 });
  });

  it('of the minute that is not over are sent when the process stops, also if it was a short one', async () => {
    request();
    await recorder.stop();
    expect(sent()).toEqual([[1, 0, { requests: 1 }]]);
  });

  it('are sent again with their number while no answer comes, and added once', async () => {
    await recorder.flush();
    const add = trends.add.bind(trends);
    // Added, but the answer was lost.
    const losing = jest.spyOn(trends, 'add').mockImplementation(async (batch) => {
      await add(batch);
      throw new Error('away');
    });
    request();
    await nextMinute();
    request();
    request();
    await nextMinute();
    losing.mockRestore();
    await recorder.flush();
    expect(sent()).toEqual([
      [1, 0, { requests: 1 }],
      [1, 0, { requests: 1 }],
      [1, 0, { requests: 1 }],
      [2, 1, { requests: 2 }],
    ]);
    expect(await total()).toEqual({ requests: 3 });
    expect(logged).toEqual([1, 2].map((minutes) => `The trends are ${minutes} min behind: Error: away`));
  });

  it('are counted by minute while a call of the store hangs', async () => {
    await recorder.flush();
    let answer = (): void => {};
    const hanging = jest
      .spyOn(trends, 'add')
      .mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)));
    for (let minute = 0; minute < 4; minute += 1) {
      request();
      clock.advance(MINUTE);
      void recorder.flush();
    }
    answer();
    await recorder.flush();
    expect(hanging).toHaveBeenCalledTimes(4);
    expect(sent()).toEqual([
      [2, 1, { requests: 1 }],
      [3, 2, { requests: 1 }],
      [4, 3, { requests: 1 }],
    ]);
  });

  it('wait for a store that is away for long in bounded memory: the oldest minutes become one, and none is lost', async () => {
    await recorder.flush();
    const away = jest.spyOn(trends, 'add').mockRejectedValue(new Error('away'));
    for (let minute = 0; minute < 500; minute += 1) {
      request();
      recorder.see(minute + 1, 0);
      await nextMinute();
    }
    away.mockRestore();
    await recorder.flush();
    expect(trends.batches).toHaveLength(61);
    expect(trends.batches.map(({ number }) => number)).toEqual(trends.batches.map((_, index) => index + 1));
    expect(trends.batches.slice(0, 3)).toMatchObject([
      { at: NOON, counts: { requests: 1 } },
      { at: NOON + MINUTE, counts: { requests: 440 } },
      { at: NOON + 441 * MINUTE, counts: { requests: 1, peak_open: 442 } },
    ]);
    expect(await total()).toEqual({ requests: 500, peak_open: 500 });
  });
});
