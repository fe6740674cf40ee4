import { Backoff } from '#sessions/domain/backoff';

const MINUTE_MS = 60_000;

/** Fails at once whenever it is due, so many times; the minutes between the tries. */
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

describe('What failed', () => {
  it('is retried after 1, 2, 4, … minutes, and after an hour at most', () => {
    expect(minutesBetween(new Backoff(), 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('is due at the very end of its wait, and waits a minute again after a success', () => {
    const backoff = new Backoff();
    expect(backoff.isDue('key', 0)).toBe(true);
    expect([backoff.failed('key', 0), backoff.failed('key', 0)]).toEqual([1, 2]);
    expect(backoff.isDue('key', 2 * MINUTE_MS - 1)).toBe(false);
    expect(backoff.isDue('key', 2 * MINUTE_MS)).toBe(true);
    backoff.succeeded('key');
    expect(backoff.isFailing('key')).toBe(false);
    expect(backoff.failed('key', 0)).toBe(1);
  });

  it('is stuck from the fifth failure on', () => {
    const backoff = new Backoff();
    minutesBetween(backoff, 4);
    expect([backoff.isStuck('key'), backoff.stuck]).toEqual([false, 0]);
    backoff.failed('key', 0);
    expect([backoff.isStuck('key'), backoff.stuck]).toEqual([true, 1]);
  });

  it('is forgotten where it is none of those that are kept', () => {
    const backoff = new Backoff();
    for (const key of ['a', 'b']) backoff.failed(key, 0);
    backoff.keepOnly(['b', 'c']);
    expect(['a', 'b', 'c'].filter((key) => backoff.isFailing(key))).toEqual(['b']);
  });

  it('is remembered up to a number: more is due at once', () => {
    const backoff = new Backoff(2);
    for (const key of ['a', 'b', 'c', 'a']) backoff.failed(key, 0);
    expect(['a', 'b', 'c'].filter((key) => backoff.isDue(key, MINUTE_MS))).toEqual(['b', 'c']);
    expect(backoff.isFailing('c')).toBe(false);
  });
});
