// Runs sequences on one ground, or interleavings: each in a process of its own, so that none waits for another, and none meets the
// timers that interleavings put in the place of Node's.
import { answerQuestions } from '../processes/answering.ts';
import { groundOf, type Ground, type GroundName } from './grounds.ts';
import { runInterleavings } from './interleavings.ts';
import { runSequences, type Outcome } from './sequences.ts';

export interface Asked {
  readonly count: number;
  readonly seed: number;
}

let ground: Ground;

answerQuestions(
  {
    async start(name: GroundName) {
      ground = await groundOf(name);
    },
    run: ({ count, seed }: Asked): Promise<Outcome> => runSequences(ground, count, seed),
    interleave: ({ count, seed }: Asked): Promise<string | null> => runInterleavings(count, seed),
  },
  () => ground.end(),
);
