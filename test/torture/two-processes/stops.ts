import { judge, make, type Change } from './changes.ts';
import { sleep, WITHIN_MS, withServers, type Round } from './round.ts';

const STOPPED_MS = 5000;
const SESSIONS = 80;
const CHANGES: readonly Change[] = ['end', 'end', 'regenerate', 'login', 'nothing'];

/** A process that was stopped for five seconds serves nobody, once it goes on, whose session was ended meanwhile. */
export async function raceStops({ root, rounds, random, violation, note }: Round): Promise<void> {
  await withServers({ root, options: {}, cleansUp: true }, async (servers) => {
    let worstMs = 0;
    let undone = 0;
    for (let round = 0; round < rounds; round += 1) {
      const [stopped, going] = round % 2 === 0 ? servers : servers.toReversed();
      if (!stopped || !going) throw new Error('There are two servers');
      const sessions = await stopped.ask.open(SESSIONS);
      await stopped.ask.watch(
        sessions.map(({ token }) => token),
        true,
      );
      await sleep(100 + random() * 500);
      stopped.signal('SIGSTOP');
      const goingOn = sleep(STOPPED_MS).then(() => stopped.signal('SIGCONT'));
      const changed = await Promise.all(
        sessions.map(async (session, index) => {
          await sleep(random() * (STOPPED_MS - 500));
          const change = CHANGES[index % CHANGES.length] ?? 'end';
          try {
            return await make(change, session, going.ask, root, violation);
          } catch (error) {
            // It was stopped while it held the lock of the database: who writes waits, and is refused in the end.
            if (!(error instanceof Error) || error.message !== 'STORE_UNAVAILABLE') throw error;
            undone += 1;
            return { session, change, doneAt: null };
          }
        }),
      );
      await goingOn;
      await sleep(WITHIN_MS + 500);
      worstMs = Math.max(worstMs, judge(changed, await stopped.ask.unwatch(), violation));
    }
    const locked = undone > 0 ? `; ${undone} changes refused while the stopped process held the lock` : '';
    note(
      `${rounds} stops of ${STOPPED_MS / 1000} s: served ${Math.round(worstMs)} ms after a change at the latest${locked}`,
    );
  });
}
