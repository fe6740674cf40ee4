import { now, sleep, withServers, type Round } from './round.ts';
import type { RemoteServer } from '../remote/remote-server.ts';

const IDLE_MS = 2000;
/** What a client leaves to spare, for the way of its request to the server. */
const SPARE_MS = 250;
/** By so much the clocks of two processes may differ. */
const CLOCKS_MS = 50;
const CLIENTS = 20;
const STOPPED_MS = 5000;
const ROUND_MS = 9000;

/**
 * Clients come back just before they idle, now to one process, now to the other: none of them may find itself ended, also
 * while a process that holds its last touch is stopped.
 */
export async function raceIdleness({ root, rounds, random, violation, note }: Round): Promise<void> {
  const options = { maxIdleSeconds: IDLE_MS / 1000, maxDurationSeconds: 3600, cleanupIntervalSeconds: 1 };
  let requests = 0;
  await withServers({ root, options, cleansUp: true }, async (servers) => {
    for (let round = 0; round < rounds; round += 1) {
      const stopped = servers[round % 2] ?? servers[0];
      let mayAsk: readonly RemoteServer[] = servers;
      const endsAt = now() + ROUND_MS;
      const clients = (await servers[0].ask.open(CLIENTS)).map(async ({ id, token }) => {
        let sent = 0;
        let servedAt = now();
        for (;;) {
          const server = mayAsk[Math.floor(random() * mayAsk.length)] ?? servers[0];
          const sentAt = now();
          const { kind, askedAt, at } = await server.ask.request(token);
          if (kind !== 'live') {
            const sinceMs = Math.round(askedAt - servedAt);
            // A request that was that long on its way came too late indeed.
            if (sinceMs + CLOCKS_MS >= IDLE_MS) return sent;
            const { reason = 'unknown' } = (await reasonOf(servers, id)) ?? {};
            violation(
              `A client that came back after ${sinceMs} ms of ${IDLE_MS} is ${kind} (${reason}, request ${sent})`,
            );
            return sent;
          }
          servedAt = at;
          sent += 1;
          if (now() > endsAt) return sent;
          // Counted from when it was sent: the server knows it later, if anything.
          await sleep(Math.max(0, sentAt + random() * (IDLE_MS - SPARE_MS) - now()));
        }
      });
      await sleep(1500 + random() * 500);
      mayAsk = servers.filter((server) => server !== stopped);
      await sleep(100);
      stopped.signal('SIGSTOP');
      await sleep(STOPPED_MS);
      stopped.signal('SIGCONT');
      mayAsk = servers;
      for (const sent of await Promise.all(clients)) requests += sent;
      for (const server of servers) await server.ask.ended();
    }
  });
  note(`${requests.toLocaleString('en')} requests of clients about to idle, in ${rounds} stops`);
}

async function reasonOf(
  servers: readonly RemoteServer[],
  sessionId: string,
): Promise<{ reason: string } | undefined> {
  const ended = await Promise.all(servers.map((server) => server.ask.ended()));
  return ended.flat().find(({ id }) => id === sessionId);
}
