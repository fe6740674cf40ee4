import { Backpressure } from '#sessions/http/stream/backpressure';

const MIB = 1024 * 1024;

describe('A backlog', () => {
  let now = 0;
  const backlog = (): Backpressure => new Backpressure(() => now);

  it('is fine up to 1 MiB, for as long as it lasts', () => {
    const mine = backlog();
    expect(mine.isTooMuch(MIB)).toBe(false);
    now += 60_000;
    expect(mine.isTooMuch(MIB)).toBe(false);
  });

  it('is fine beyond that for a second', () => {
    const mine = backlog();
    expect(mine.isTooMuch(MIB + 1)).toBe(false);
    now += 999;
    expect(mine.isTooMuch(8 * MIB)).toBe(false);
    now += 1;
    expect(mine.isTooMuch(MIB + 1)).toBe(true);
  });

  it('begins anew once it was taken', () => {
    const mine = backlog();
    mine.isTooMuch(2 * MIB);
    now += 900;
    mine.isTooMuch(MIB);
    now += 900;
    expect(mine.isTooMuch(2 * MIB)).toBe(false);
  });

  it('is too much at once beyond 8 MiB', () => {
    expect(backlog().isTooMuch(8 * MIB + 1)).toBe(true);
  });
});
