import { SessionsError } from '#sessions/domain/errors';
import { MOST_DEEDS, MOST_REQUESTS } from '#sessions/domain/journal/entry';
import { EntryBuffer } from '#sessions/core/journal/entry-buffer';
import type { NewEntry } from '#sessions/ports/record/journal';
import { request } from '#sessions/testing/store/journal/journal.fixtures';

const away = new SessionsError('STORE_UNAVAILABLE', 'no');

/** A store that takes what it is given, unless it is `away`; answers wait while it is held. */
function bufferOn() {
  const state = {
    written: [] as NewEntry[],
    seen: new Set<NewEntry>(),
    isAway: false,
    held: null as Promise<void> | null,
    faults: [] as string[],
  };
  const journal = {
    async append(entries: readonly NewEntry[]): Promise<void> {
      await state.held;
      for (const entry of entries) state.seen.add(entry);
      if (state.isAway) throw away;
      state.written.push(...entries);
    },
    prune: async () => 0,
  };
  const buffer = new EntryBuffer({
    store: { journal },
    failures: { note: (_what: string, line: string) => state.faults.push(line) },
    config: { journalMaxBytes: 1e9 },
  } as never);
  return { state, buffer };
}

const routes = (entries: readonly NewEntry[]) =>
  entries.map(({ entry }) => (entry.kind === 'request' ? entry.route : entry.kind));

describe('Entries that wait to be written', () => {
  it('are written by a flush that was called after they came, whatever is under way', async () => {
    const { state, buffer } = bufferOn();
    const held = Promise.withResolvers<void>();
    state.held = held.promise;
    buffer.add('a', request(1, '/1'));
    const first = buffer.flush();
    buffer.add('a', request(2, '/2'));
    const [second, third] = [buffer.flush(), buffer.flush()];
    held.resolve();
    await first;
    expect(routes(state.written)).toEqual(['/1']);
    await Promise.all([second, third]);
    expect(routes(state.written)).toEqual(['/1', '/2']);
  });

  it('are given to the store again as the same objects, before what came later', async () => {
    const { state, buffer } = bufferOn();
    state.isAway = true;
    buffer.add('a', request(1, '/1'));
    await buffer.flush();
    buffer.add('a', request(2, '/2'));
    state.isAway = false;
    await buffer.flush();
    expect(routes(state.written)).toEqual(['/1', '/2']);
    expect(state.seen.size).toBe(2);
    expect(state.faults).toEqual([expect.stringContaining('1 entries wait, 0 are lost')]);
  });

  it('of one session are the latest that the store keeps, and those that went are told', async () => {
    const { state, buffer } = bufferOn();
    const most = MOST_DEEDS + MOST_REQUESTS;
    buffer.add('other', request(0, '/other'));
    for (let nth = 0; nth < most + 5; nth += 1) buffer.add('a', request(nth, `/${nth}`));
    await buffer.flush();
    const ofSession = routes(state.written.filter(({ sessionId }) => sessionId === 'a'));
    expect([ofSession.length, ofSession[0], ofSession.at(-1)]).toEqual([most, '/5', `/${most + 4}`]);
    expect(routes(state.written)).toContain('/other');
    expect(state.faults).toEqual([expect.stringContaining('5 are lost')]);
  });
});
