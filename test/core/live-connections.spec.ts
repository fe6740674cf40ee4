import { SessionsError } from '#sessions/domain/errors';
import { LiveConnections } from '#sessions/core/process/live-connections';

const A = { id: 'a' };

describe('LiveConnections', () => {
  it('closes each connection of a session once, and none of another', async () => {
    const connections = new LiveConnections();
    const closed: string[] = [];
    connections.add(A, { close: (reason) => void closed.push(`a1 ${reason}`) });
    connections.add(A, { close: (reason) => void closed.push(`a2 ${reason}`) });
    connections.add({ id: 'b' }, { close: (reason) => void closed.push(`b ${reason}`) });
    await connections.close('a', 'idle');
    await connections.close('a', 'idle');
    expect(closed).toEqual(['a1 idle', 'a2 idle']);
    await connections.closeAll();
    expect(closed).toEqual(['a1 idle', 'a2 idle', 'b shutdown']);
  });

  it('does not close a connection that was unregistered', async () => {
    const connections = new LiveConnections();
    const closer = jest.fn<void, []>();
    const { remove } = connections.add(A, { close: closer });
    remove();
    remove();
    await connections.close('a', 'ended');
    expect(closer).not.toHaveBeenCalled();
  });

  it('closes the others if one throws, rejects or never closes, and stops waiting for that one', async () => {
    const connections = new LiveConnections();
    const closer = jest.fn<void, []>();
    connections.add(A, {
      close: () => {
        throw new Error('no');
      },
    });
    connections.add(A, { close: () => Promise.reject(new Error('no')) });
    connections.add(A, { close: () => new Promise<void>(() => {}) });
    connections.add(A, { close: closer });
    await connections.close('a', 'admin');
    expect(closer).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['SESSION_GONE', 'ended'],
    ['SESSION_STALE', 'stale'],
    ['STREAMS_FULL', 'shutdown'],
  ] as const)('tells a connection that cannot be registered again why: %s', async (code, reason) => {
    const connections = new LiveConnections();
    const closed: string[] = [];
    const restore = () => Promise.reject(new SessionsError(code, 'no'));
    const live = connections.add(A, { close: (why) => void closed.push(why) }, { restore });
    await connections.restore();
    expect(closed).toEqual([reason]);
    expect(() => live.requireOpen()).toThrow('no');
  });

  it('leaves a connection open that the store did not register again for want of an answer', async () => {
    const connections = new LiveConnections();
    const closer = jest.fn<void, []>();
    const restore = () => Promise.reject(new SessionsError('STORE_UNAVAILABLE', 'away'));
    connections.add(A, { close: closer }, { restore });
    await expect(connections.restore()).rejects.toThrow('away');
    expect(closer).not.toHaveBeenCalled();
  });
});
