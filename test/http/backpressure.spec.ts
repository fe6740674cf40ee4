import { Backpressure } from '#sessions/http/stream/backpressure';

const MIB = 1024 * 1024;

describe('Back-pressure', () => {
  let now = 0;
  const create = (): Backpressure => new Backpressure(() => now);

  it('allows up to 1 MiB pending for any time', () => {
    const mine = create();
    expect(mine.isTooMuch(MIB)).toBe(false);
    now += 60_000;
    expect(mine.isTooMuch(MIB)).toBe(false);
  });

  it('allows more than that for a second', () => {
    const mine = create();
    expect(mine.isTooMuch(MIB + 1)).toBe(false);
    now += 999;
    expect(mine.isTooMuch(8 * MIB)).toBe(false);
    now += 1;
    expect(mine.isTooMuch(MIB + 1)).toBe(true);
  });

  it('starts over once the reader has caught up', () => {
    const mine = create();
    mine.isTooMuch(2 * MIB);
    now += 900;
    mine.isTooMuch(MIB);
    now += 900;
    expect(mine.isTooMuch(2 * MIB)).toBe(false);
  });

  it('never allows more than 8 MiB', () => {
    expect(create().isTooMuch(8 * MIB + 1)).toBe(true);
  });
});
