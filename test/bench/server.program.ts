// The server: one contender, in a process of its own, on a core of its own.
import { LoopWatch } from './harness/loop-watch.ts';
import { answer, givenSetup } from './harness/program.ts';
import { contenderNamed } from './servers/contenders.ts';
import type { ServerSetup } from './servers/server.ts';

const setup = givenSetup() as ServerSetup;
const server = await contenderNamed(setup.contender).start(setup);
const watch = new LoopWatch();

answer(
  {
    ...server.handlers,
    port: () => server.port,
    /** CPU time of all threads so far, in microseconds. */
    cpu() {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    memory: () => process.memoryUsage.rss(),
    watchLoop: () => watch.begin(),
    loopDelay: () => watch.end(),
  },
  () => server.stop(),
);
