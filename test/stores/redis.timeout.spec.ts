import { stat } from 'node:fs/promises';
import { withTimeout } from '#sessions/stores/redis/connection/with-timeout';

function standStill(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('The time limit of an answer', () => {
  it('is not over where the answer came while this process itself stood still', async () => {
    // The kernel answers at once, and this thread hears of it in its next turn.
    const waiting = withTimeout(stat('.'), 10);
    standStill(200);
    await expect(waiting).resolves.toBeDefined();
  });

  it('is over where no answer came', async () => {
    await expect(withTimeout(new Promise(() => {}), 10)).rejects.toThrow('No answer in 10 ms');
  });
});
