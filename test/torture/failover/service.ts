import type { NodeServer } from '../nodes/node-server.ts';
import type { ThreeNodes } from '../nodes/three-nodes.ts';
import { pause } from '../processes/scratch.ts';
import { Visitor } from '../processes/visitor.ts';

/** So many sessions lie on all of three masters: all but one time in a hundred. */
const VISITORS = 12;
const AGAIN_MS = 20;
const GIVE_UP_MS = 30_000;

/** When a server has begun a session for each of several new clients at once; infinity, where it does not. */
export async function untilServed(server: NodeServer, nodes: ThreeNodes): Promise<number> {
  const deadline = performance.now() + GIVE_UP_MS;
  while (performance.now() < deadline) {
    const statuses = await Promise.all(
      Array.from({ length: VISITORS }, async () => {
        const visitor = new Visitor(server.port, nodes.newAddress());
        const answer = await visitor.fetch('GET', '/session').catch(() => null);
        visitor.close();
        return answer?.status;
      }),
    );
    if (statuses.every((status) => status === 200)) return performance.now();
    await pause(AGAIN_MS);
  }
  return Number.POSITIVE_INFINITY;
}
