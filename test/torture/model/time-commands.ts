import * as fc from 'fast-check';
import { Command, same } from './command.ts';
import type { World } from './hands.ts';
import type { Which } from './plain-model.ts';
import { which } from './session-commands.ts';

const SPANS_MS = [1, 1, 400, 400, 1000, 1000, 5000, 9999, 29_999, 30_000, 59_999, 60_000, 100_000, 200_000];

export const timeCommands = [
  fc
    .tuple(
      fc.constantFrom(...SPANS_MS),
      fc.constantFrom(0, 0, 1, 999),
      fc.constantFrom<'both' | Which>('both', 'both', 0, 1),
    )
    .map((args) => advance(...args)),
  which.map((by) => beat(by)),
  which.map((by) => hear(by)),
  fc.tuple(which, fc.constantFrom('idle', 'expired', 'orphans')).map((args) => cleanUp(...args)),
];

const always = (): boolean => true;

/** Time passes; at its end, but for a `lag`, processes say that they live, unless they are stopped. */
function advance(ms: number, lagMs: number, who: 'both' | Which): Command {
  return new Command('advance', [ms, lagMs, who], always, async ({ model }, pair) => {
    const { clock, cores } = pair;
    const lag = Math.min(lagMs, ms);
    await pair.letPass(ms - lag);
    model.now += ms - lag;
    for (const each of [0, 1] as const) {
      if (who !== 'both' && who !== each) continue;
      await cores[each].thisProcess.beat();
      model.beat(each);
    }
    clock.advance(lag);
    model.now += lag;
  });
}

function beat(by: Which): Command {
  return new Command('beat', [by], always, async ({ model }, { cores }) => {
    await cores[by].thisProcess.beat();
    model.beat(by);
  });
}

function hear(by: Which): Command {
  return new Command('hear', [by], always, async (world, { cores }) => {
    await cores[by].feed.read();
    world.model.hear(by);
    assertStreamsClosed(world, by);
  });
}

function assertStreamsClosed({ streams }: World, by: Which): void {
  for (const { plain, closedFor } of streams) {
    if (plain.by !== by || plain.session.state === 'open') continue;
    same(closedFor.length > 0, true, 'A stream of a session that the other process ended is closed');
  }
}

function cleanUp(by: Which, job: 'idle' | 'expired' | 'orphans'): Command {
  return new Command('cleanUp', [by, job], always, async ({ model }, { cores }) => {
    same((await cores[by].cleanup.run(job)).failures, 0, `Failures of the cleanup of the ${job} are`);
    if (job === 'idle') model.cleanUpIdle(by);
    if (job === 'expired') model.cleanUpExpired(by);
    if (job === 'orphans') model.cleanUpOrphans(by);
  });
}
