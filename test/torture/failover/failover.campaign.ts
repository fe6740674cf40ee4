import { setTimeout as wait } from 'node:timers/promises';
import { RedisSessionStore } from 'nest-sessions/redis';
import { RedisClusterServers } from '../../support/redis-servers.ts';
import type { Campaign, CampaignContext } from '../campaign.ts';
import { ThreeNodes } from '../nodes/three-nodes.ts';
import { percentile, withFolder } from '../processes/scratch.ts';
import { AcknowledgedEnds } from './acknowledged-ends.ts';
import { Ages } from './ages.ts';
import { Crowd, type Limits } from './crowd-of-patrons.ts';
import { FailingCluster } from './failing-cluster.ts';
import { expectNothingLeft } from './nothing-left.ts';
import { LimitsWatch } from './limits-watch.ts';
import { untilServed } from './service.ts';

const LIMITS: Limits = { maxMs: 40_000, idleMs: 15_000, maxResources: 6, maxBytes: 240_000 };
const BACK_WITHIN_MS = 5000;
/** So long there is peace between two deaths, so that there is something to lose. */
const PEACE_MS = 1500;
/** Every other master has not told its replica what happened for so long. */
const DEAF_MS = 1000;
/** How long a dead server stays so. */
const DOWN_MS = 800;

/** The count is that of masters of Redis that are killed, and of servers. */
export const campaign: Campaign = {
  name: 'failover',
  title:
    'a master of Redis or a server that is killed costs moments, and no limit, no file and no end that lasts',
  goal: 20,
  short: 1,
  async run(context) {
    const cluster = await RedisClusterServers.start();
    const store = new RedisSessionStore({ url: cluster.urls, timeoutMs: 5000 });
    try {
      await store.connect();
      await withFolder(async (folder) => {
        const nodes = await ThreeNodes.start(folder, {
          redisUrls: cluster.urls,
          maxDurationSeconds: LIMITS.maxMs / 1000,
          maxIdleSeconds: LIMITS.idleMs / 1000,
          maxResources: LIMITS.maxResources,
          maxBytes: LIMITS.maxBytes,
          cleanupIntervalSeconds: 1,
          orphanGraceSeconds: 60,
        });
        try {
          await kill(context, new FailingCluster(cluster), nodes, store);
        } finally {
          await nodes.destroy();
        }
      });
    } finally {
      await store.close();
      await cluster.stop();
    }
    return { tried: 2 * context.count };
  },
};

async function kill(
  context: CampaignContext,
  cluster: FailingCluster,
  nodes: ThreeNodes,
  store: RedisSessionStore,
): Promise<void> {
  const { count, random, violation, note } = context;
  const ages = new Ages(LIMITS, violation);
  const ends = new AcknowledgedEnds(store, violation);
  const watch = new LimitsWatch(store, LIMITS, violation);
  const crowd = new Crowd(context, nodes, LIMITS, { ages, ends });
  const backs: number[] = [];
  const promotions: number[] = [];
  try {
    for (let round = 0; round < count; round += 1) {
      await wait(PEACE_MS + random() * 500);
      const failover = await cluster.killMaster(random, round % 2 === 1 ? DEAF_MS : 0);
      promotions.push(failover.promotedAt - failover.killedAt);
      const [servedAt] = await Promise.all([
        Promise.all(nodes.servers.map((server) => untilServed(server, nodes))),
        ends.checkAfter(failover),
      ]);
      for (const [index, at] of servedAt.entries()) {
        const backMs = at - failover.promotedAt;
        backs.push(backMs);
        if (backMs > BACK_WITHIN_MS) {
          violation(
            `server ${nodes.servers[index]?.name} serves only ${Math.round(backMs)} ms after the promotion`,
          );
        }
      }
      await cluster.restore(failover);
      const [server] = nodes.pick(random);
      await server.kill();
      await wait(random() * DOWN_MS);
      await server.start();
    }
    await wait(PEACE_MS);
  } finally {
    await crowd.leave();
    await watch.stop();
  }
  await expectNothingLeft(nodes, store, context);

  const { all, lost, lostForGood } = ends.counts;
  const rounded = (ms: number): string => Math.round(ms).toLocaleString('en');
  note(
    `${count} masters and ${count} servers killed under ${crowd.requests.toLocaleString('en')} requests (${crowd.outages} answered 503, ${crowd.broken} broken off)`,
  );
  note(
    `replicas were promoted ${rounded(Math.max(...promotions))} ms after the death at the latest; every server served ${rounded(percentile(backs, 0.5))} ms after the promotion, the last ${rounded(Math.max(...backs))} ms`,
  );
  note(
    `ends ${all}, lost ${lost}, lost for good ${lostForGood}${lost > lostForGood ? `; ended again ${rounded(ends.slowestAgainMs)} ms after the promotion at the latest` : ''}`,
  );
  note(
    `clients saw ${ages.overs.expired} sessions expire and ${ages.overs.idle} idle out; ${watch.looks} looks at all of them: at most ${watch.mostResources} resources of ${LIMITS.maxResources}, ${watch.mostBytes.toLocaleString('en')} bytes of ${LIMITS.maxBytes.toLocaleString('en')}`,
  );
}
