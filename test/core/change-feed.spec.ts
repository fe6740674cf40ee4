import { ChangeFeed } from '#sessions/core/process/change-feed';
import { SessionCache } from '#sessions/core/process/session-cache';
import { SessionsError } from '#sessions/domain/errors';
import { WrappedStore } from '#sessions/ports/store/wrapped-store';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { ManualClock } from '#sessions/testing/manual-clock';
import { anEnd, opened } from '#sessions/testing/store/store.fixtures';

/** A store whose notifications a test sends. */
class NotifyingStore extends WrappedStore {
  notify: () => void = () => {};
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
    this.notify = listener;
    return new Promise(() => {});
  }
}

describe('The feed of changes', () => {
  let store: NotifyingStore;
  let feed: ChangeFeed;
  let received: string[];
  let warnings: string[];

  beforeEach(async () => {
    jest.useFakeTimers();
    store = new NotifyingStore();
    await store.connect();
    received = [];
    warnings = [];
    const clock = new ManualClock();
    const log = { debug() {}, log() {}, warn: (line: string) => void warnings.push(line), error() {} };
    const cache = new SessionCache(clock, true);
    const onChange = ({ id, state }: { id: string; state: string }): void =>
      void received.push(`${id} ${state}`);
    feed = new ChangeFeed(store, cache, clock, log, onChange, async () => {});
  });
  afterEach(async () => {
    await feed.stop();
    jest.useRealTimers();
  });

  it('is polled every 500 ms without notifications', async () => {
    await feed.start();
    const { id } = await opened(store);
    await jest.advanceTimersByTimeAsync(499);
    expect(received).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(received).toEqual([`${id} open`]);
  });

  it('is read once, soon, for any number of notifications at a time', async () => {
    await feed.start();
    const { id } = await opened(store);
    await store.endings.beginEnd(id, anEnd());
    for (let count = 0; count < 100; count += 1) store.notify();
    await jest.advanceTimersByTimeAsync(50);
    expect(received).toEqual([`${id} ending`]);
    expect(store.reads).toBe(2);
  });

  it('is read again for a notification that comes during a read', async () => {
    await feed.start();
    const { id } = await opened(store);
    let finishRead = (): void => {};
    store.whileReading = () => new Promise((resolve) => (finishRead = resolve));
    const reading = feed.read();
    await jest.advanceTimersByTimeAsync(0);
    await store.endings.beginEnd(id, anEnd());
    store.notify();
    await jest.advanceTimersByTimeAsync(50);
    store.whileReading = async () => {};
    finishRead();
    await reading;
    expect(received).toEqual([`${id} open`]);
    await jest.advanceTimersByTimeAsync(0);
    expect(received).toEqual([`${id} open`, `${id} ending`]);
  });

  it('is only polled if the store may not subscribe, with one warning', async () => {
    jest.spyOn(store, 'onChange').mockRejectedValue(new SessionsError('STORE_UNAVAILABLE', 'not allowed'));
    await feed.start();
    const { id } = await opened(store);
    await jest.advanceTimersByTimeAsync(1000);
    expect(received).toEqual([`${id} open`]);
    expect(warnings).toEqual([
      expect.stringMatching(/^Change notifications unavailable, polling every 500 ms: .*not allowed/),
    ]);
  });

  it('is not read after a stop, despite notifications', async () => {
    await feed.start();
    store.notify();
    await feed.stop();
    store.notify();
    await jest.advanceTimersByTimeAsync(1000);
    expect(store.reads).toBe(1);
  });
});
