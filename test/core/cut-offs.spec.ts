import { Grounds } from '../torture/cut-offs/grounds.ts';
import { ACTS, DEEDS, playRound } from '../torture/cut-offs/round.ts';

/** Larger than any stop: the act as it is without a deed. */
const NEVER = 1_000_000;

describe('A deed at any call of store and storage', () => {
  let grounds: Grounds;
  beforeAll(async () => {
    grounds = await Grounds.start('memory');
  });
  afterAll(() => grounds.close());

  const cases = ACTS.flatMap((act) => DEEDS.map((deed) => [deed, act] as const));
  it.each(cases)('cuts off: a %s during an %s', async (deed, act) => {
    const undisturbed = await playRound(grounds, act, [{ name: deed, at: NEVER }]);
    expect(undisturbed.faults).toEqual([]);
    expect(undisturbed.stops.length).toBeGreaterThan(3);
    const faults: string[] = [];
    for (const at of undisturbed.stops.keys()) {
      const round = await playRound(grounds, act, [{ name: deed, at }]);
      faults.push(...round.faults.map((fault) => `${round.stops[at]}: ${fault}`));
    }
    expect(faults).toEqual([]);
  });
});
