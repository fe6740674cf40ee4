import * as fc from 'fast-check';
import {
  countEvent,
  newestEmptySlot,
  RATE_WINDOW_MS,
  type RateAnswer,
  type RateRing,
} from '#sessions/domain/rates/rate-ring';

/** Counts the events in their order; answers the instants of those that were let in. */
function admittedOf(instants: readonly number[], limit: number): number[] {
  let ring: RateRing | null = null;
  return instants.filter((at) => {
    const answer: RateAnswer = countEvent(ring, at, limit);
    ring = answer.ring ?? ring;
    return answer.ring !== null;
  });
}

const limit = fc.integer({ min: 1, max: 8 });
/** Gaps that meet the turns of slots and windows, and others. */
const gap = fc.oneof(
  fc.integer({ min: 0, max: 30 }),
  fc.integer({ min: 0, max: 9000 }),
  fc.constantFrom(4999, 5000, 5001, 54_999, 55_000, 59_999, 60_000, 60_001, 65_000, 200_000),
);
const instants = fc
  .tuple(fc.integer({ min: 1_800_000_000_000, max: 1_800_000_010_000 }), fc.array(gap, { maxLength: 80 }))
  .map(([start, gaps]) =>
    gaps.map(
      (
        (at) => (more: number) =>
          (at += more)
      )(start),
    ),
  );

describe('A ring of 13 slots of 5 s', () => {
  it('never lets in more than the limit in any 60 s, wherever they begin', () => {
    fc.assert(
      fc.property(instants, limit, (all, most) => {
        const admitted = admittedOf(all, most);
        for (const from of admitted) {
          const within = admitted.filter((at) => at >= from && at < from + RATE_WINDOW_MS);
          expect(within.length).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses nothing that 65 s have room for', () => {
    fc.assert(
      fc.property(instants, limit, (all, most) => {
        const admitted = admittedOf(all, most);
        for (const at of all.filter((one) => !admitted.includes(one))) {
          const before = admitted.filter((one) => one <= at && one > at - 65_000);
          expect(before.length).toBeGreaterThanOrEqual(most);
        }
      }),
    );
  });

  it('tells after how long the next one fits: then it does, and a millisecond sooner it does not', () => {
    fc.assert(
      fc.property(instants, limit, (all, most) => {
        let ring: RateRing | null = null;
        for (const at of all) {
          const answer: RateAnswer = countEvent(ring, at, most);
          if (answer.ring) {
            ring = answer.ring;
            continue;
          }
          const fitsAt = at + answer.retryAfterMs;
          const fits = [fitsAt - 1, fitsAt].map((then) => countEvent(ring, then, most).ring !== null);
          expect([answer.retryAfterMs > 0, ...fits]).toEqual([true, false, true]);
        }
      }),
    );
  });

  it('counts an event that comes late as one of the newest slot, and begins anew on an earlier clock', () => {
    const at = 1_800_000_100_000;
    const { ring } = countEvent(null, at, 1);
    expect(countEvent(ring, at - RATE_WINDOW_MS, 1)).toEqual({ ring: null, retryAfterMs: 125_000 });
    expect(countEvent(ring, at - 65_000, 1).ring).toEqual({ newestSlot: 360_000_007, counts: [1] });
  });

  it('is empty when its newest slot is 65 s old', () => {
    const at = 1_800_000_100_000;
    const newest = countEvent(null, at, 1).ring?.newestSlot;
    expect(newestEmptySlot(at + 64_999)).toBeLessThan(Number(newest));
    expect(newestEmptySlot(at + 65_000)).toBe(newest);
  });
});
