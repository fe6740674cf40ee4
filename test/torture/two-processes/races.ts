import { judge, make, type Change } from './changes.ts';
import { sleep, WITHIN_MS, withServers, type Round } from './round.ts';

const BATCH = 150;
const SPREAD_MS = 300;
/** Commands take most of a second each: some in every batch. */
const COMMANDS = 3;
const CHANGES: readonly Change[] = ['end', 'end', 'regenerate', 'login'];

/** One process serves, and remembers, what the other one ends, logs in and regenerates: servers, and commands. */
export async function raceChanges({ root, count, random, violation, note }: Round): Promise<void> {
  await withServers({ root, options: {}, cleansUp: true }, async (servers) => {
    let worstMs = 0;
    let commands = 0;
    for (let done = 0; done < count; done += BATCH) {
      const size = Math.min(BATCH, count - done);
      const [serving, changing] = done % (2 * BATCH) === 0 ? servers : servers.toReversed();
      if (!serving || !changing) throw new Error('There are two servers');
      const sessions = await (random() < 0.5 ? serving : changing).ask.open(size);
      await serving.ask.watch(
        sessions.map(({ token }) => token),
        true,
      );
      await sleep(50);
      const changed = await Promise.all(
        sessions.map(async (session, index) => {
          const isCommand = index < COMMANDS;
          const change = isCommand ? 'end by CLI' : (CHANGES[index % CHANGES.length] ?? 'end');
          await sleep(random() * SPREAD_MS);
          return make(change, session, changing.ask, root, violation);
        }),
      );
      await sleep(WITHIN_MS + 200);
      const watched = await serving.ask.unwatch();
      worstMs = Math.max(worstMs, judge(changed, watched, violation));
      const notDone = changed.filter(({ doneAt }) => doneAt === null).length;
      if (notDone > 0) violation(`${notDone} of ${size} changes were not made`);
      commands += Math.min(size, COMMANDS);
    }
    note(
      `a change was known elsewhere after ${Math.round(worstMs)} ms at the latest; ${commands} ends by CLI`,
    );
  });
}
