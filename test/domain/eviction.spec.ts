import fc from 'fast-check';
import type { ResourceRecord } from 'nest-sessions';
import { evictionOrder, givesWay, longestStalled, victimsFor } from '#sessions/domain/eviction';
import { fits, sumOf, type ResourceLimits } from '#sessions/domain/limits';

const limits: ResourceLimits = { maxResources: 5, maxBytes: 100, maxStreams: 1, onLimit: 'evict' };

function held(id: string, changes: Partial<ResourceRecord> = {}): ResourceRecord {
  return {
    id,
    sessionId: 's',
    type: 'audio_file',
    purpose: null,
    fileName: null,
    mediaType: null,
    sizeBytes: 10,
    state: 'ready',
    processId: null,
    nodeId: 'node',
    stalledSince: null,
    overdrawn: false,
    createdAt: 0,
    lastUsedAt: 0,
    uses: 0,
    ...changes,
  };
}

/** The ids of what goes for a new file; `null` if that would not be enough. */
function victims(all: readonly ResourceRecord[], bytes: number): string[] | null {
  const byId = new Map(all.map((resource) => [resource.id, resource]));
  const order = evictionOrder(all).map(({ id }) => byId.get(id) ?? held(id));
  const inPlace = { resources: all.length, bytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  return victimsFor(inPlace, { resources: 1, bytes }, order, limits)?.map(({ id }) => id) ?? null;
}

describe('Eviction', () => {
  it('takes the least recently used first, and no more than needed', () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((id, index) => held(id, { lastUsedAt: 5 - index }));
    expect(victims(all, 0)).toEqual(['e']);
    expect(victims(all.slice(1), 0)).toEqual([]);
  });

  it('evicts as many as the bytes require', () => {
    const all = [held('a', { sizeBytes: 30, lastUsedAt: 1 }), held('b', { sizeBytes: 60, lastUsedAt: 2 })];
    expect(victims(all, 10)).toEqual([]);
    expect(victims(all, 40)).toEqual(['a']);
    expect(victims(all, 41)).toEqual(['a', 'b']);
    expect(victims(all, 101)).toBeNull();
  });

  it.each([
    ['being read', { uses: 1 }],
    ['being written', { state: 'writing' }],
    ['complete, but not placed', { state: 'complete' }],
    ['overdrawn', { overdrawn: true }],
    ['being released', { state: 'releasing' }],
    ['a live stream', { type: 'stream' }],
  ] as const)('never evicts what is %s', (_what, change) => {
    expect(evictionOrder([held('a', change), held('b')])).toEqual([{ id: 'b', lastUsedAt: 0 }]);
  });

  it('lets the youngest writer give way, but none while a release is under way', () => {
    const old = held('old', { state: 'writing', createdAt: 1 });
    const young = held('young', { state: 'writing', createdAt: 2 });
    const all = [old, young, held('complete', { state: 'complete', createdAt: 3 })];
    expect(['new', 'young', 'old'].map((id) => givesWay(all, id))).toEqual([true, true, false]);
    expect(givesWay([...all, held('gone', { state: 'releasing' })], 'new')).toBe(false);
  });

  it('evicts the shortest prefix of the unused, by last use, that makes the file fit', () => {
    const resource = fc.record({
      sizeBytes: fc.integer({ min: 0, max: 60 }),
      lastUsedAt: fc.integer({ min: 0, max: 5 }),
      uses: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(
      fc.property(fc.array(resource, { maxLength: 8 }), fc.integer({ min: 0, max: 120 }), (shapes, bytes) => {
        const all = shapes.map((shape, index) => held(`r${index}`, shape));
        const order = all
          .filter((one) => one.uses === 0)
          .toSorted((a, b) => a.lastUsedAt - b.lastUsedAt || (a.id < b.id ? -1 : 1));
        const fitsWithout = (gone: number): boolean => {
          const rest = all.filter((one) => !order.slice(0, gone).includes(one));
          const used = sumOf(rest.map(({ sizeBytes }) => ({ resources: 1, bytes: sizeBytes })));
          return fits(used, { resources: 1, bytes }, limits);
        };
        const needed = [...order.keys(), order.length].find(fitsWithout);
        const expected = needed === undefined ? null : order.slice(0, needed).map(({ id }) => id);
        expect(victims(all, bytes)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('The file that gives way', () => {
  const writing = (id: string, stalledSince: number | null): ResourceRecord =>
    held(id, { state: 'writing', stalledSince });

  it('is the one that has stalled longest, then the one with the lower id', () => {
    const all = [writing('d', 30), writing('c', 20), writing('b', 20), writing('a', 40)];
    expect(longestStalled(all, 'z', 40)?.id).toBe('b');
  });

  it('has stalled since the given instant at least', () => {
    expect(longestStalled([writing('a', 30), writing('b', null)], 'z', 29)).toBeNull();
    expect(longestStalled([writing('a', 30)], 'z', 30)?.id).toBe('a');
  });

  it('is being written, and is not the one that needs the place', () => {
    expect(longestStalled([held('a', { stalledSince: 1 }), writing('b', 1)], 'b', 40)).toBeNull();
  });
});
