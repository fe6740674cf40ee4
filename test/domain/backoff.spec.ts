import { Backoff } from '#sessions/domain/backoff';

const MINUTE_MS = 60_000;

/** Fails a key `tries` times, each time when it is due; returns the minutes between. */
function minutesBetween(backoff: Backoff, tries: number): number[] {
  const minutes: number[] = [];
  let now = 0;
  for (let made = 0; made < tries; made += 1) {
    backoff.failed('key', now);
    const failedAt = now;
    while (!backoff.isDue('key', now)) now += MINUTE_MS;
    minutes.push((now - failedAt) / MINUTE_MS);
  }
  return minutes;
}

describe('Backoff', () => {
  it('retries after 1, 2, 4, … minutes, and after an hour at most', () => {
    expect(minutesBetween(new Backoff(), 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('makes a key due at the exact end of its pause, and begins at a minute after a success', () => {
    const backoff = new Backoff();
    expect(backoff.isDue('key', 0)).toBe(true);
    expect([backoff.failed('key', 0), backoff.failed('key', 0)]).toEqual([1, 2]);
    expect(backoff.isDue('key', 2 * MINUTE_MS - 1)).toBe(false);
    expect(backoff.isDue('key', 2 * MINUTE_MS)).toBe(true);
    backoff.succeeded('key');
    expect(backoff.isFailing('key')).toBe(false);
    expect(backoff.failed('key', 0)).toBe(1);
  });

  it('counts a key as stuck from the fifth failure on', () => {
    const backoff = new Backoff();
    minutesBetween(backoff, 4);
    expect([backoff.isStuck('key'), backoff.stuck]).toEqual([false, 0]);
    backoff.failed('key', 0);
    expect([backoff.isStuck('key'), backoff.stuck]).toEqual([true, 1]);
  });

  it('forgets the failures of keys that are not kept', () => {
    const backoff = new Backoff();
    for (const key of ['a', 'b']) backoff.failed(key, 0);
    backoff.keepOnly(['b', 'c']);
    expect(['a', 'b', 'c'].filter((key) => backoff.isFailing(key))).toEqual(['b']);
  });

  it('remembers a limited number of keys: others stay due', () => {
    const backoff = new Backoff(2);
    for (const key of ['a', 'b', 'c', 'a']) backoff.failed(key, 0);
    expect(['a', 'b', 'c'].filter((key) => backoff.isDue(key, MINUTE_MS))).toEqual(['b', 'c']);
    expect(backoff.isFailing('c')).toBe(false);
  });
});
