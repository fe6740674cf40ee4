import { SessionSlices } from '#sessions/core/sessions/session-slices';
import { openingRecord } from '#sessions/domain/session';
import { newSession } from '#sessions/testing/store/store.fixtures';

const SLICES = 5;
const SIZE = 100;

describe('Slices of a large page', () => {
  let turns: number;
  let next: NodeJS.Immediate;
  /** The turn of the event loop in which each slice was read. */
  let readIn: number[];

  beforeEach(() => {
    turns = 0;
    readIn = [];
    const count = (): void => {
      turns += 1;
      next = setImmediate(count);
    };
    next = setImmediate(count);
  });
  afterEach(() => clearImmediate(next));

  /** As a store that has everything in memory: nothing but the slices themselves lets others have their turn. */
  const slices = (): SessionSlices =>
    new SessionSlices({
      list: async () => {
        readIn.push(turns);
        return [];
      },
    });

  const records = () => Array.from({ length: SLICES * SIZE }, () => openingRecord(newSession()));

  async function drain(of: SessionSlices): Promise<number[]> {
    const sizes: number[] = [];
    for await (const slice of of.read(records())) sizes.push(slice.length);
    return sizes;
  }

  it('are read in turns of the event loop of their own, so that requests are served between them', async () => {
    expect(await drain(slices())).toEqual(Array.from({ length: SLICES }, () => SIZE));
    expect(readIn).toHaveLength(SLICES);
    expect(new Set(readIn).size).toBe(SLICES);
  });

  it('are read one in a turn, however many pages are read at once', async () => {
    const all = slices();
    await Promise.all(Array.from({ length: 4 }, () => drain(all)));
    expect(readIn).toHaveLength(4 * SLICES);
    expect(new Set(readIn).size).toBe(4 * SLICES);
  });
});
