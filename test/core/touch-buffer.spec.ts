import { TouchBuffer } from '#sessions/core/process/touch-buffer';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';

describe('The touches of a process', () => {
  let store: MemorySessionStore;
  let touches: TouchBuffer;
  beforeEach(async () => {
    store = new MemorySessionStore();
    await store.connect();
    touches = new TouchBuffer(store.sessions, 0);
  });

  it('are flushed through the instant at which the flush began', async () => {
    touches.add('one', 100, 1);
    await touches.flush(200);
    expect(touches.flushedThroughAt).toBe(200);
  });

  it('are not flushed through past a request that may turn out to be activity', async () => {
    const releaseHold = touches.holdFlushedThrough(100);
    await touches.flush(200);
    expect(touches.flushedThroughAt).toBe(100);
    releaseHold();
    await touches.flush(300);
    expect(touches.flushedThroughAt).toBe(300);
  });

  it('are not flushed through past a request that turns out to be activity during the flush', async () => {
    const releaseHold = touches.holdFlushedThrough(100);
    jest.spyOn(store.sessions, 'touch').mockImplementationOnce(async () => {
      touches.add('waited', 210, 1);
      releaseHold();
    });
    touches.add('other', 150, 1);
    await touches.flush(200);
    expect(touches.pendingOf('waited')).toBeDefined();
    expect(touches.flushedThroughAt).toBe(100);
  });

  it('stay pending if they cannot be written', async () => {
    jest.spyOn(store.sessions, 'touch').mockRejectedValueOnce(new Error('refused'));
    touches.add('one', 100, 1);
    await expect(touches.flush(200)).rejects.toThrow('refused');
    expect(touches.flushedThroughAt).toBe(0);
    expect(touches.pendingOf('one')).toEqual({ sessionId: 'one', at: 100, requests: 1 });
  });

  it('do not change while they are being written', async () => {
    let written: unknown;
    jest.spyOn(store.sessions, 'touch').mockImplementationOnce(async (batch) => {
      touches.add('one', 210, 1);
      written = structuredClone(batch);
    });
    touches.add('one', 100, 1);
    touches.add('one', 90, 1);
    await touches.flush(200);
    expect(written).toEqual([{ sessionId: 'one', at: 100, requests: 2 }]);
    expect(touches.pendingOf('one')).toEqual({ sessionId: 'one', at: 210, requests: 1 });
  });
});
