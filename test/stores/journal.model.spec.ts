import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import {
  classOf,
  MOST_DEEDS,
  MOST_MARKS,
  MOST_REQUESTS,
  type EntryClass,
  type JournalEntry,
} from '#sessions/domain/journal/entry';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { CLIENT, noted, pagesOf, request } from '#sessions/testing/store/journal/journal.fixtures';
import { anEnd, newToken, NOW } from '#sessions/testing/store/store.fixtures';

const MOST: Readonly<Record<EntryClass, number>> = {
  mark: MOST_MARKS,
  deed: MOST_DEEDS,
  request: MOST_REQUESTS,
};
const SESSIONS = 3;

const session = fc.nat(SESSIONS - 1);
const at = fc.nat(50).map((ms) => NOW + ms);
/** Some entries: so many of one kind, an instant or some instants apart. */
const run = fc.record({
  kind: fc.constantFrom('request', 'request', 'mismatch'),
  count: fc.oneof(fc.nat(5), fc.nat(150)),
  at,
  stepMs: fc.integer({ min: -1, max: 1 }),
});
const commands = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        name: fc.constant('append' as const),
        runs: fc.array(fc.tuple(session, run), { minLength: 1, maxLength: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ name: fc.constant('regenerate' as const), session, at }) },
    { weight: 1, arbitrary: fc.record({ name: fc.constant('end' as const), session, at }) },
    {
      weight: 1,
      arbitrary: fc.record({
        name: fc.constant('prune' as const),
        maxBytes: fc.oneof(fc.nat(2000), fc.nat(60_000)),
        limit: fc.oneof(fc.nat(20), fc.constant(10_000)),
      }),
    },
  ),
  { minLength: 1, maxLength: 20 },
);
type Command = (typeof commands extends fc.Arbitrary<infer Commands extends unknown[]>
  ? Commands
  : never)[number];

/** Timelines as plain lists, in the order in which they were written. */
class Model {
  readonly timelines: JournalEntry[][];
  readonly over = new Set<number>();

  constructor(count: number) {
    this.timelines = Array.from({ length: count }, () => [{ kind: 'opened', at: NOW, by: CLIENT }]);
  }

  read(index: number): JournalEntry[] {
    return (this.timelines[index] ?? []).toSorted((a, b) => a.at - b.at);
  }

  /** What comes late: a session that is over and has no timeline gets none again. */
  append(index: number, entries: readonly JournalEntry[]): void {
    if (!this.over.has(index) || this.timelines[index]?.length) this.add(index, entries);
  }

  add(index: number, entries: readonly JournalEntry[]): void {
    const all = [...(this.timelines[index] ?? []), ...entries];
    const first = all.find((entry) => classOf(entry) === 'mark');
    const dropped = (Object.keys(MOST) as EntryClass[]).flatMap((name) => {
      const ofClass = all.filter((entry) => classOf(entry) === name);
      const droppable = ofClass.filter((entry) => entry !== first).toSorted((a, b) => a.at - b.at);
      return droppable.slice(0, Math.max(0, ofClass.length - MOST[name]));
    });
    const gone = new Set(dropped);
    this.timelines[index] = all.filter((entry) => !gone.has(entry));
  }

  /** Takes over what a prune left; what is wrong with it unless it dropped requests first, and those of earlier sessions before others. */
  prune(left: readonly (readonly JournalEntry[])[]): string[] {
    const faults: string[] = [];
    const before = this.timelines.map((_, index) => this.read(index));
    const requests = left.map((entries) => entries.filter(({ kind }) => kind === 'request').length);
    const lost = left.map((entries, index) => entries.length < (before[index]?.length ?? 0));
    const isWholly = left.map((entries) => entries.length === 0);
    for (const [index, entries] of left.entries()) {
      const others = (all: readonly JournalEntry[] = []) => all.filter(({ kind }) => kind !== 'request');
      if (others(entries).length < others(before[index]).length) {
        if (entries.length > 0) faults.push(`timeline ${index} is cut in half`);
        if (requests.some((count) => count > 0)) faults.push(`timeline ${index} went before requests`);
        if (isWholly.slice(0, index).includes(false))
          faults.push(`timeline ${index} went before earlier ones`);
      } else if (lost[index] && requests.slice(0, index).some((count) => count > 0))
        faults.push(`requests of ${index} went before earlier ones`);
      this.timelines[index] = (this.timelines[index] ?? []).filter((entry) =>
        entries.some((kept) => JSON.stringify(kept) === JSON.stringify(entry)),
      );
    }
    const isSame = isDeepStrictEqual(
      this.timelines.map((_, index) => this.read(index)),
      left,
    );
    return isSame ? faults : [...faults, 'a prune changed entries'];
  }
}

describe('Timelines', () => {
  it('are those of the model, whatever is appended, entered and pruned, on pages of any length', async () => {
    await fc.assert(
      fc.asyncProperty(commands, fc.integer({ min: 3, max: 700 }), async (drawn, limit) => {
        const store = new MemorySessionStore();
        await store.connect();
        const faults = await compare(store, drawn, limit);
        await store.close();
        expect(faults).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

/** Where the store differs from the model. */
async function compare(store: SessionStore, drawn: readonly Command[], limit: number): Promise<string[]> {
  const faults: string[] = [];
  const sessions = [];
  // oxlint-disable-next-line no-await-in-loop -- the order counts
  for (let index = 0; index < SESSIONS; index += 1) sessions.push(await noted(store));
  const ids = sessions.map(({ id }) => id);
  const model = new Model(SESSIONS);
  let written = 0;
  const read = () =>
    Promise.all(ids.map((id) => pagesOf(limit, (after) => store.journal.read(id, limit, after))));
  for (const command of drawn) {
    written += 1;
    /* oxlint-disable no-await-in-loop -- the order counts */
    switch (command.name) {
      case 'append': {
        const added = command.runs.flatMap(([index, { kind, count, at: first, stepMs }]) =>
          Array.from({ length: count }, (_, nth) => {
            const instant = first + nth * stepMs;
            // No entry is like another, so that each is told apart.
            written += 1;
            const entry: JournalEntry =
              kind === 'request'
                ? request(instant, `/${written}`)
                : {
                    kind: 'refused',
                    at: instant,
                    reason: 'limit',
                    sizeBytes: written,
                    limitBytes: null,
                    quota: null,
                  };
            return { index, entry };
          }),
        );
        await store.journal.append(added.map(({ index, entry }) => ({ sessionId: ids[index] ?? '', entry })));
        for (const [index] of ids.entries()) {
          model.append(
            index,
            added.filter((one) => one.index === index).map(({ entry }) => entry),
          );
        }
        break;
      }
      case 'regenerate': {
        const by = { kind: 'limit', option: String(written) } as const;
        const id = ids[command.session] ?? '';
        const token = { ...newToken({ id }, command.at), note: { by } };
        const answer = await store.sessions.regenerate(id, null, token);
        if (answer === 'done') model.add(command.session, [{ kind: 'regenerated', at: command.at, by }]);
        break;
      }
      case 'end': {
        const end = anEnd({ at: command.at, note: { by: CLIENT } });
        if ((await store.endings.beginEnd(ids[command.session] ?? '', end)) === null) break;
        const facts = {
          reason: 'ended',
          durationMs: command.at - NOW,
          requests: 1,
          resources: 0,
          bytes: 0,
        } as const;
        model.over.add(command.session);
        model.add(command.session, [{ kind: 'ended', at: command.at, by: CLIENT, ...facts }]);
        break;
      }
      case 'prune': {
        const before = model.timelines.flat().length;
        const dropped = await store.journal.prune(command.maxBytes, command.limit);
        const left = await read();
        if (before - left.flat().length !== dropped) faults.push(`a prune told of ${dropped} entries`);
        faults.push(...model.prune(left));
        break;
      }
    }
    /* oxlint-enable no-await-in-loop */
  }
  const expected = ids.map((_, index) => model.read(index));
  return isDeepStrictEqual(await read(), expected) ? faults : [...faults, 'timelines differ'];
}
