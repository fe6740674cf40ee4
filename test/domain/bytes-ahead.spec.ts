import { bytesAhead } from '#sessions/domain/bytes-ahead';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

describe('the bytes reserved ahead for a file', () => {
  it('start at 1 MiB and double the file, up to 16 MiB', () => {
    const ahead = [0, 1, 2, 4, 8, 16, 32, 1000].map((held) => bytesAhead(held * MIB, 10 * GIB) / MIB);
    expect(ahead).toEqual([1, 1, 2, 4, 8, 16, 16, 16]);
  });

  it('are at most a 64th of the session limit, but 1 MiB at least', () => {
    expect(bytesAhead(100 * MIB, 256 * MIB)).toBe(4 * MIB);
    expect(bytesAhead(9 * MIB, 10 * MIB)).toBe(MIB);
    expect(bytesAhead(10 * MIB, 256 * MIB + 63)).toBe(4 * MIB);
  });

  it('are 0 if the file would exceed the session limit', () => {
    expect(bytesAhead(0, MIB)).toBe(MIB);
    expect(bytesAhead(0, MIB - 1)).toBe(0);
    expect(bytesAhead(9 * MIB + 1, 10 * MIB)).toBe(0);
  });

  it('need 10 reservations instead of 90', () => {
    let [held, steps] = [0, 0];
    for (; held < 90 * MIB; steps += 1) held += bytesAhead(held, 10 * GIB);
    expect(steps).toBe(10);
  });
});
