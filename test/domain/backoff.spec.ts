import { isStuck, pauseAfter } from '#sessions/domain/backoff';

const MINUTE_MS = 60_000;

describe('The back-off of failed items', () => {
  it('retries after 1, 2, 4, … minutes, and after an hour at most', () => {
    const minutes = [1, 2, 3, 4, 5, 6, 7, 8, 5000].map((tries) => pauseAfter(tries) / MINUTE_MS);
    expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('counts an item as stuck from the fifth failure on', () => {
    expect([4, 5, 6].map((tries) => isStuck({ tries }))).toEqual([false, true, true]);
  });
});
