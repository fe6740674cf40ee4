import { sharedPoll, type Polled } from '#sessions/admin/page/shared-poll';

const PERIOD_MS = 2000;

describe('A poll that is shared', () => {
  let asked: number;
  let idle: number;
  let answer: () => Promise<number>;
  const seenBy = (watcher: Polled<number>[]) => watcher.map((polled) => polled?.found ?? null);
  const poll = () =>
    sharedPoll(
      () => answer(),
      PERIOD_MS,
      () => (idle += 1),
    );
  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers();
    [asked, idle] = [0, 0];
    answer = async () => (asked += 1);
  });
  afterEach(() => jest.useRealTimers());

  it('asks once for all who watch, and gives who joins what was found last', async () => {
    const [one, other]: Polled<number>[][] = [[], []];
    const shared = poll();
    const first = shared.subscribe((polled) => one!.push(polled));
    await pass(PERIOD_MS);
    expect(seenBy(one!)).toEqual([1, 2]);
    const second = shared.subscribe((polled) => other!.push(polled));
    expect(seenBy(other!)).toEqual([2]);
    await pass(PERIOD_MS);
    expect([seenBy(one!), seenBy(other!), asked]).toEqual([[1, 2, 3], [2, 3], 3]);
    first.unsubscribe();
    await pass(PERIOD_MS);
    expect([seenBy(other!), idle]).toEqual([[2, 3, 4], 0]);
    second.unsubscribe();
  });

  it('asks nothing while nobody watches, and anew for who comes then', async () => {
    const shared = poll();
    const watcher = shared.subscribe();
    await pass(PERIOD_MS);
    watcher.unsubscribe();
    await pass(10 * PERIOD_MS);
    expect([asked, idle]).toEqual([2, 1]);
    const found: Polled<number>[] = [];
    const next = shared.subscribe((polled) => found.push(polled));
    await pass(0);
    expect(seenBy(found)).toEqual([3]);
    next.unsubscribe();
  });

  it('goes on after a failure, which is told', async () => {
    answer = async () => {
      asked += 1;
      if (asked === 2) throw new Error('away');
      return asked;
    };
    const found: Polled<number>[] = [];
    const watcher = poll().subscribe((polled) => found.push(polled));
    await pass(2 * PERIOD_MS);
    expect(seenBy(found)).toEqual([1, null, 3]);
    watcher.unsubscribe();
  });

  it('pauses four times as long as the answer took, so that a large store is not kept busy', async () => {
    answer = () =>
      new Promise((resolve) => {
        asked += 1;
        setTimeout(() => resolve(asked), 3000);
      });
    const watcher = poll().subscribe();
    await pass(3000 + 11_999);
    expect(asked).toBe(1);
    await pass(1);
    expect(asked).toBe(2);
    watcher.unsubscribe();
  });
});
