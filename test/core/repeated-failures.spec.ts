import { RepeatedFailures } from '#sessions/core/watch/repeated-failures';
import { ManualClock } from '#sessions/testing/manual-clock';

describe('A failure that repeats', () => {
  it('is told when it begins, once a minute while it lasts, and when it is over', () => {
    const clock = new ManualClock();
    const lines: string[] = [];
    const failures = new RepeatedFailures(clock, {
      error: (line) => void lines.push(`error ${line}`),
      log: (line) => void lines.push(`log ${line}`),
    });
    for (let second = 0; second < 90; second += 1) {
      failures.note('STORE_UNAVAILABLE', 'The disk is full');
      clock.advance(1000);
    }
    failures.note('STORAGE_FULL', 'Another disk is full');
    for (let step = 0; step < 18; step += 1) {
      failures.check();
      clock.advance(10_000);
    }
    expect(lines).toEqual([
      'error The disk is full',
      'error STORE_UNAVAILABLE goes on: 59 more requests failed',
      'error Another disk is full',
      'error STORE_UNAVAILABLE goes on: 30 more requests failed',
      'log STORAGE_FULL is over: no request failed so for a minute, 1 had failed',
      'log STORE_UNAVAILABLE is over: no request failed so for a minute, 90 had failed',
    ]);
  });
});
