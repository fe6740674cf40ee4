import { RepeatedFailures } from '#sessions/core/watch/repeated-failures';
import { ManualClock } from '#sessions/testing/manual-clock';

describe('A failure that repeats', () => {
  it('is told when it begins, once a minute while it lasts, and when it is over', () => {
    const clock = new ManualClock();
    const lines: string[] = [];
    const failures = new RepeatedFailures(clock, {
      debug() {},
      error: (line) => void lines.push(`error ${line}`),
      warn: (line) => void lines.push(`warn ${line}`),
      log: (line) => void lines.push(`log ${line}`),
    });
    for (let second = 0; second < 90; second += 1) {
      failures.note('STORE_UNAVAILABLE', 'The disk is full');
      clock.advance(1000);
    }
    failures.note('STORAGE_FULL', 'Another disk is full', 'warn');
    for (let step = 0; step < 18; step += 1) {
      failures.check();
      clock.advance(10_000);
    }
    expect(lines).toEqual([
      'error The disk is full',
      'error STORE_UNAVAILABLE: 59 more',
      'warn Another disk is full',
      'error STORE_UNAVAILABLE: 30 more',
      'log STORAGE_FULL: none for a minute, 1 in all',
      'log STORE_UNAVAILABLE: none for a minute, 90 in all',
    ]);
  });
});
