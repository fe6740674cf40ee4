import { bytesAhead } from '#sessions/domain/bytes-ahead';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

describe('the bytes reserved ahead for a file', () => {
  it('are a MiB to begin with, and then as many as the file has, up to 16 MiB', () => {
    const ahead = [0, 1, 2, 4, 8, 16, 32, 1000].map((held) => bytesAhead(held * MIB, 10 * GIB) / MIB);
    expect(ahead).toEqual([1, 1, 2, 4, 8, 16, 16, 16]);
  });

  it('are a 64th of what the session may hold at most, but for that MiB', () => {
    expect(bytesAhead(100 * MIB, 256 * MIB)).toBe(4 * MIB);
    expect(bytesAhead(9 * MIB, 10 * MIB)).toBe(MIB);
    expect(bytesAhead(10 * MIB, 256 * MIB + 63)).toBe(4 * MIB);
  });

  it('are none where the file would become larger with them than a session may be', () => {
    expect(bytesAhead(0, MIB)).toBe(MIB);
    expect(bytesAhead(0, MIB - 1)).toBe(0);
    expect(bytesAhead(9 * MIB + 1, 10 * MIB)).toBe(0);
  });

  it('makes 10 reservations of what were 90', () => {
    let [held, steps] = [0, 0];
    for (; held < 90 * MIB; steps += 1) held += bytesAhead(held, 10 * GIB);
    expect(steps).toBe(10);
  });
});
