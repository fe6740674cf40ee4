import { ChangeFeed } from '#sessions/core/process/change-feed';
import { SessionCache } from '#sessions/core/process/session-cache';
import { SessionsError } from '#sessions/domain/errors';
import { WrappedStore } from '#sessions/ports/wrapped-store';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { ManualClock } from '#sessions/testing/manual-clock';
import { anEnd, opened } from '#sessions/testing/store/store.fixtures';

/** A store that brings news when a test says so. */
class NewsyStore extends WrappedStore {
  bring: () => void = () => {};
  reads = 0;
  whileReading: () => Promise<void> = async () => {};

  constructor() {
    super(new MemorySessionStore(), (operation, name) => {
      if (name !== 'feed.read') return operation;
      return async (...args) => {
        this.reads += 1;
        const feed = await operation(...args);
        await this.whileReading();
        return feed;
      };
    });
  }

  override onChange(listener: () => void): Promise<void> {
    this.bring = listener;
    return new Promise(() => {});
  }
}

describe('The feed of changes', () => {
  let store: NewsyStore;
  let feed: ChangeFeed;
  let heard: string[];
  let warnings: string[];

  beforeEach(async () => {
    jest.useFakeTimers();
    store = new NewsyStore();
    await store.connect();
    heard = [];
    warnings = [];
    const clock = new ManualClock();
    const log = { debug() {}, log() {}, warn: (line: string) => void warnings.push(line), error() {} };
    const cache = new SessionCache(clock, true);
    const onChange = ({ id, state }: { id: string; state: string }): void =>
      void heard.push(`${id} ${state}`);
    feed = new ChangeFeed(store, cache, clock, log, onChange, async () => {});
  });
  afterEach(async () => {
    await feed.stop();
    jest.useRealTimers();
  });

  it('is read every half a second, where no news come', async () => {
    await feed.start();
    const { id } = await opened(store);
    await jest.advanceTimersByTimeAsync(499);
    expect(heard).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(heard).toEqual([`${id} open`]);
  });

  it('is read at once when there is news, however much of it, one time', async () => {
    await feed.start();
    const { id } = await opened(store);
    await store.endings.beginEnd(id, anEnd());
    for (let count = 0; count < 100; count += 1) store.bring();
    await jest.advanceTimersByTimeAsync(50);
    expect(heard).toEqual([`${id} ending`]);
    expect(store.reads).toBe(2);
  });

  it('is read once more when the news come while it is being read', async () => {
    await feed.start();
    const { id } = await opened(store);
    let letGo = (): void => {};
    store.whileReading = () => new Promise((resolve) => (letGo = resolve));
    const reading = feed.read();
    await jest.advanceTimersByTimeAsync(0);
    await store.endings.beginEnd(id, anEnd());
    store.bring();
    await jest.advanceTimersByTimeAsync(50);
    store.whileReading = async () => {};
    letGo();
    await reading;
    expect(heard).toEqual([`${id} open`]);
    await jest.advanceTimersByTimeAsync(0);
    expect(heard).toEqual([`${id} open`, `${id} ending`]);
  });

  it('goes by the clock alone where the store may not listen, and says so once', async () => {
    jest.spyOn(store, 'onChange').mockRejectedValue(new SessionsError('STORE_UNAVAILABLE', 'not allowed'));
    await feed.start();
    const { id } = await opened(store);
    await jest.advanceTimersByTimeAsync(1000);
    expect(heard).toEqual([`${id} open`]);
    expect(warnings).toEqual([
      expect.stringMatching(/^Change notifications unavailable, polling every 500 ms: .*not allowed/),
    ]);
  });

  it('is not read after a stop, whatever the news', async () => {
    await feed.start();
    store.bring();
    await feed.stop();
    store.bring();
    await jest.advanceTimersByTimeAsync(1000);
    expect(store.reads).toBe(1);
  });
});
