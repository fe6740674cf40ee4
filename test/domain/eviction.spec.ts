import fc from 'fast-check';
import type { ResourceRecord } from 'nest-sessions';
import { planEviction } from '#sessions/domain/eviction';

const limits = { maxResources: 5, maxBytes: 100 };

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
    freed: false,
    createdAt: 0,
    lastUsedAt: 0,
    uses: 0,
    ...changes,
  };
}

const newcomer = { count: 1, bytes: 0, resourceId: 'new' } as const;

describe('Eviction', () => {
  it('takes the least recently used first, and no more than needed', () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((id, index) => held(id, { lastUsedAt: 5 - index }));
    const plan = planEviction(all, newcomer, limits);
    expect(plan).toMatchObject({ action: 'evict', victims: [{ id: 'e' }] });
  });

  it('evicts as many as the bytes require', () => {
    const all = [held('a', { sizeBytes: 30, lastUsedAt: 1 }), held('b', { sizeBytes: 30, lastUsedAt: 2 })];
    const writing = held('w', { state: 'writing', sizeBytes: 40 });
    const plan = planEviction([...all, writing], { count: 0, bytes: 60, resourceId: 'w' }, limits);
    expect(plan).toMatchObject({ action: 'evict', victims: [{ id: 'a' }, { id: 'b' }] });
  });

  it.each([
    ['being read', { uses: 1 }],
    ['being written', { state: 'writing' }],
    ['a live stream', { type: 'stream' }],
  ] as const)('never evicts what is %s', (_what, change) => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((id) => held(id, change));
    expect(planEviction(all, newcomer, limits).action).toBe('refuse');
  });

  it('waits for a release under way', () => {
    const all = ['a', 'b', 'c', 'd'].map((id) => held(id, { uses: 1 }));
    expect(planEviction([...all, held('e', { state: 'releasing' })], newcomer, limits).action).toBe('wait');
  });

  it('refuses the youngest writer and lets the older ones wait', () => {
    const old = held('old', { state: 'writing', createdAt: 1, sizeBytes: 50 });
    const young = held('young', { state: 'writing', createdAt: 2, sizeBytes: 50 });
    const more = (resourceId: string) => ({ count: 0, bytes: 10, resourceId }) as const;
    expect(planEviction([old, young], more('young'), limits).action).toBe('refuse');
    expect(planEviction([old, young], more('old'), limits).action).toBe('wait');
  });

  it('retries if space was freed meanwhile', () => {
    expect(planEviction([held('a')], newcomer, limits).action).toBe('wait');
  });

  it('evicts the shortest prefix of the unused, by last use, that makes the demand fit', () => {
    const resource = fc.record({
      sizeBytes: fc.integer({ min: 0, max: 60 }),
      lastUsedAt: fc.integer({ min: 0, max: 5 }),
      uses: fc.integer({ min: 0, max: 1 }),
      state: fc.constantFrom('ready' as const, 'ready' as const, 'writing' as const),
    });
    fc.assert(
      fc.property(fc.array(resource, { maxLength: 8 }), fc.integer({ min: 0, max: 120 }), (shapes, bytes) => {
        const all = shapes.map((shape, index) => held(`r${index}`, shape));
        const plan = planEviction(all, { count: 1, bytes, resourceId: 'new' }, limits);
        const order = all
          .filter((one) => one.state === 'ready' && one.uses === 0)
          .toSorted((a, b) => a.lastUsedAt - b.lastUsedAt || (a.id < b.id ? -1 : 1));
        const fitsWithout = (gone: number): boolean => {
          const rest = all.filter((one) => !order.slice(0, gone).includes(one));
          const used = rest.reduce((sum, one) => sum + one.sizeBytes, 0);
          return rest.length < limits.maxResources && used + bytes <= limits.maxBytes;
        };
        const needed = [...order.keys(), order.length].find(fitsWithout);
        const evicted = plan.action === 'evict' ? plan.victims : [];
        expect(evicted).toEqual(order.slice(0, needed ?? 0));
        expect(plan.action === 'evict').toBe(needed !== undefined && needed > 0);
        expect(needed !== 0 || plan.action === 'wait').toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
