import { CallBatcher } from '#sessions/stores/redis/buckets/call-batcher';

/** Doubles numbers, and records the batches. */
class Doubling {
  readonly made: (readonly number[])[] = [];
  readonly calls = new CallBatcher(async (numbers: readonly number[]) => {
    this.made.push(numbers);
    if (numbers.includes(0)) throw new Error('Nothing to double');
    return numbers.map((number) => number * 2);
  });
}

describe('Batched calls', () => {
  it('of one turn are sent as one batch, and each gets its own answer', async () => {
    const { calls, made } = new Doubling();
    const early = calls.ask(1);
    await Promise.resolve();
    await expect(Promise.all([early, calls.ask(2), calls.ask(3)])).resolves.toEqual([2, 4, 6]);
    await expect(calls.ask(4)).resolves.toBe(8);
    expect(made).toEqual([[1, 2, 3], [4]]);
  });

  it('fail with their batch, and no other', async () => {
    const { calls } = new Doubling();
    const failing = Promise.allSettled([calls.ask(1), calls.ask(0)]);
    await expect(failing).resolves.toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    await expect(calls.ask(5)).resolves.toBe(10);
  });

  it('are split into batches of limited size, so that other clients do not wait long', async () => {
    const { calls, made } = new Doubling();
    const numbers = Array.from({ length: 600 }, (_, index) => index + 1);
    await expect(Promise.all(numbers.map((number) => calls.ask(number)))).resolves.toEqual(
      numbers.map((number) => number * 2),
    );
    expect(made.map(({ length }) => length)).toEqual([256, 256, 88]);
  });
});
