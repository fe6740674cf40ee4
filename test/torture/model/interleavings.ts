import { mock } from 'node:test';
import * as fc from 'fast-check';
import { ACTORS, Scene } from './scene.ts';
import { tell } from './sequences.ts';
import { Stage } from './stage.ts';

const MAX_ACTORS = 7;
/** Scenes on one stage: building one costs more than playing on it. */
const SCENES = 100;

const which = fc.constantFrom<0 | 1>(0, 1);
const ender = fc.record({ does: fc.constantFrom('end', 'expire', 'idle', 'evict'), by: which } as const);
const actor = fc.record({ does: fc.constantFrom(...ACTORS), by: which });

/**
 * Puts slow requests of two processes into so many orders with the end of their session: each call of the store and of the
 * storage waits for its turn. What is broken in one of them, shrunk, or `null`.
 */
export async function runInterleavings(numRuns: number, seed: number): Promise<string | null> {
  const stageFor = stages();
  const property = fc.asyncProperty(
    fc.scheduler(),
    fc.boolean(),
    fc.tuple(fc.boolean(), fc.boolean()),
    ender,
    fc.array(actor, { minLength: 2, maxLength: MAX_ACTORS }),
    async (scheduler, bare, isKnown, last, others) => {
      const stage = await stageFor(bare);
      const scene = await Scene.set(stage, bare, isKnown);
      // Who sleeps in the product waits for its turn here, and lets the time pass.
      const sleep = mock.method(globalThis, 'setTimeout', (work: () => void, ms = 0) => {
        void scheduler.schedule(Promise.resolve(), 'sleep').then(() => {
          stage.clock.advance(ms);
          work();
        });
      });
      try {
        scene.turn = (what) => scheduler.schedule(Promise.resolve(), what);
        const playing = [...others, last].map(({ does, by }) => scene.play(does, by));
        await scheduler.waitFor(Promise.all(playing));
        // What goes on in the background, such as the deletion of files, waits for its turns too.
        await scheduler.waitIdle();
        scene.turn = async () => {};
      } finally {
        sleep.mock.restore();
      }
      await scene.assertOver();
    },
  );
  const details = await fc.check(property, { numRuns, seed, endOnFailure: false });
  return tell(details);
}

/** Where there is place for one session alone, whoever opens another one ends it. */
function stages(): (bare: boolean) => Promise<Stage> {
  const kept = new Map<boolean, { stage: Stage; scenes: number }>();
  return async (bare) => {
    const { stage, scenes } = kept.get(bare) ?? { stage: await Stage.build(bare ? 1 : 10), scenes: 0 };
    if (scenes < SCENES) kept.set(bare, { stage, scenes: scenes + 1 });
    else kept.delete(bare);
    return stage;
  };
}
