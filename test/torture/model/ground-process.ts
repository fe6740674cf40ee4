// Runs sequences on one ground: each ground has a process of its own, so that none waits for another.
import { answerQuestions } from '../processes/answering.ts';
import { groundOf, type Ground, type GroundName } from './grounds.ts';
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
  },
  () => ground.end(),
);
