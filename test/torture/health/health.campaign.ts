import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Campaign, CampaignContext } from '../campaign.ts';
import { Mounts } from '../disk/mounts.ts';
import { pause, withFolder } from '../processes/scratch.ts';
import type { Visitor } from '../processes/visitor.ts';
import { SlowDisk } from './slow-disk.ts';
import { Workers } from './workers.ts';

const WORKERS = 2;
const VISITORS = 20;
const FILE_BYTES = 50_000;
const DISK_BYTES = 256 * 1024 * 1024;
const POLL_MS = 1000;

interface Load {
  served: number;
  failed: number;
}

/** The count is that of seconds. What is broken for real is reported: see `test/health/broken-stores.spec.ts`. */
export const campaign: Campaign = {
  name: 'health',
  title: 'health is never down while sessions are served, though servers are killed and the disk is slow',
  goal: 600,
  short: 12,
  async run(context) {
    await withFolder((folder) => onSlowDisk(folder, context));
    return { tried: context.count };
  },
};

async function onSlowDisk(folder: string, context: CampaignContext): Promise<void> {
  const mounts = new Mounts();
  const clear = (): void => mounts.clear();
  process.once('exit', clear);
  try {
    mkdirSync(folder, { recursive: true });
    const root = mounts.ext4(join(folder, 'image'), join(folder, 'disk'), DISK_BYTES);
    const options = {
      storagePath: root,
      minFreeBytes: 0,
      minFreeInodes: 0,
      ballastBytes: 0,
      cleanupIntervalSeconds: 5,
      openRate: 0,
      maxUnconfirmedPerNetwork: 0,
      maxSessionsPerNetwork: 0,
      maxResources: 5,
    };
    const workers = new Workers({ adapter: 'fastify', options }, context.random);
    try {
      await workers.start(WORKERS);
      await playOn(workers, new SlowDisk(root, context.random), context);
    } finally {
      await workers.stop();
    }
  } finally {
    process.off('exit', clear);
    clear();
  }
}

async function playOn(workers: Workers, disk: SlowDisk, context: CampaignContext): Promise<void> {
  const endsAt = performance.now() + context.count * 1000;
  const load: Load = { served: 0, failed: 0 };
  const polled = { checks: 0, down: 0 };
  workers.startKilling();
  disk.start();
  const visitors = Array.from({ length: VISITORS }, (_, index) => visit(workers, index, endsAt, load));
  while (performance.now() < endsAt) {
    for (const status of await workers.statuses()) {
      polled.checks += 1;
      if (status === 'up' || status === 'degraded') continue;
      polled.down += 1;
      context.violation(`health is ${status}`);
    }
    await pause(POLL_MS);
  }
  await disk.stop();
  await workers.stopKilling();
  await Promise.all(visitors);
  if (load.served === 0) context.violation('nobody was served');
  context.note(
    `${context.count} s: ${load.served} requests were served, ${load.failed} failed with their server; ${workers.kills} servers were killed, the disk stood still ${disk.freezes} times; of ${polled.checks} health checks ${polled.down} were down`,
  );
}

/** Asks, uploads, and now and then begins anew; an answer that does not come was its server's, which is gone. */
async function visit(workers: Workers, index: number, endsAt: number, load: Load): Promise<void> {
  const address = `198.51.100.${index}`;
  let former: Visitor | undefined;
  for (let turn = 0; performance.now() < endsAt; turn += 1) {
    const visitor = workers.visitor(address, turn % 20 === 0 ? undefined : former);
    try {
      await visitor.sessionId();
      if (turn % 4 === 0) await visitor.upload(randomBytes(FILE_BYTES));
      if (turn % 20 === 19) await visitor.fetch('DELETE', '/session');
      load.served += 1;
    } catch {
      load.failed += 1;
    }
    visitor.close();
    former = visitor;
    await pause(100);
  }
}
