import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RedisSessionStore } from 'nest-sessions/redis';
import { RedisServer } from '../../support/redis-servers.ts';
import type { Campaign, CampaignContext } from '../campaign.ts';
import { Child } from '../processes/child.ts';
import { allFiles } from '../processes/folder.ts';
import { holdsWithin, withFolder } from '../processes/scratch.ts';
import type { Cleaned, CleaningSetUp } from './protocol.ts';
import { RedisLoad } from './redis-load.ts';
import { seed } from './seeding.ts';

const SERVERS = ['a', 'b', 'c'];
const PROGRAM = new URL('cleaning-process.ts', import.meta.url);
/** Of a hundred sessions one has a file. */
const FILES = 100;
const UPLOAD_MS = 20;
const OTHER_NODES_WITHIN_MS = 30_000;

/** The count is that of sessions that are due at once. */
export const campaign: Campaign = {
  name: 'crowd',
  title: 'a crowd of sessions that are due at once is ended by three servers together, each by one of them',
  goal: 100_000,
  short: 2000,
  async run(context) {
    const redis = await RedisServer.start();
    const store = new RedisSessionStore({ url: redis.url, timeoutMs: 30_000 });
    const servers: Child[] = [];
    try {
      await store.connect();
      await withFolder(async (folder) => {
        const roots = SERVERS.map((name) => join(folder, name));
        for (const storagePath of roots) {
          const setUp: CleaningSetUp = { url: redis.url, storagePath, minFreeBytes: 0 };
          servers.push(await Child.start(PROGRAM, setUp));
        }
        const ids = await gather(context, store, servers);
        const load = await RedisLoad.start(redis);
        const startedAt = performance.now();
        const cleaned = await Promise.all(servers.map((server) => server.ask<Cleaned>('cleanUp')));
        const ms = performance.now() - startedAt;
        tell(context, cleaned, ms, await load.stop());
        checkEnds(context, ids, cleaned);
        await checkNothingLeft(context, store, roots);
      });
    } finally {
      await Promise.all(servers.map((server) => server.kill()));
      await store.close();
      await redis.stop();
    }
    return { tried: context.count };
  },
};

/** All of them; those with files lie on all nodes. When it resolves they are due. */
async function gather(
  { count, note }: CampaignContext,
  store: RedisSessionStore,
  servers: readonly Child[],
): Promise<Set<string>> {
  const withFiles = Math.ceil(count / FILES);
  const startedAt = performance.now();
  const dueAt = Date.now() + 5000 + withFiles * UPLOAD_MS;
  const owners = await seed(store, withFiles, 'expired', dueAt);
  await Promise.all(
    servers.map((server, node) =>
      server.ask(
        'upload',
        // Some have files on every node.
        owners.filter((_, index) => index % 4 === node || index % 4 === 3),
      ),
    ),
  );
  const idle = Math.floor((count - withFiles) / 2);
  const others = [
    ...(await seed(store, idle, 'idle', dueAt)),
    ...(await seed(store, count - withFiles - idle, 'expired', dueAt)),
  ];
  note(
    `gathered in ${((performance.now() - startedAt) / 1000).toFixed(1)} s; ${withFiles} of them have files`,
  );
  await wait(Math.max(0, dueAt + 1000 - Date.now()));
  return new Set([...owners, ...others]);
}

function checkEnds(
  { violation }: CampaignContext,
  ids: ReadonlySet<string>,
  cleaned: readonly Cleaned[],
): void {
  const told = cleaned.flatMap(({ ended }) => ended);
  const once = new Set(told);
  if (told.length > once.size) violation(`${told.length - once.size} sessions were ended twice`);
  const missing = [...ids].filter((id) => !once.has(id));
  if (missing.length > 0) violation(`${missing.length} sessions were ended by no server`);
  const items = cleaned.reduce((sum, report) => sum + report.items, 0);
  if (items !== ids.size) violation(`the runs counted ${items} ends of ${ids.size}`);
  for (const { failures, lastError } of cleaned) {
    if (failures > 0) violation(`${failures} ends failed, the last with: ${lastError}`);
  }
}

async function checkNothingLeft(
  { count, violation }: CampaignContext,
  store: RedisSessionStore,
  roots: readonly string[],
): Promise<void> {
  const files = (): number => roots.flatMap((root) => allFiles(root)).length;
  const isDone = async (): Promise<boolean> => (await store.ledger.totals()).ending === 0 && files() === 0;
  await holdsWithin(OTHER_NODES_WITHIN_MS, isDone);
  const { open, ending, created, ended } = await store.ledger.totals();
  if (open > 0 || ending > 0 || files() > 0) {
    violation(`left behind: ${open} open and ${ending} ending sessions, ${files()} files`);
  }
  if (created !== count || ended.idle + ended.unconfirmed + ended.expired !== count) {
    violation(`the totals tell of ${created} opened and ${JSON.stringify(ended)} ended, of ${count}`);
  }
}

function tell(
  { count, note }: CampaignContext,
  cleaned: readonly Cleaned[],
  ms: number,
  redisMs: number,
): void {
  const perEnd = (cpuMs: number): string => `${((cpuMs * 1000) / count).toFixed(0)} µs`;
  const cpuMs = cleaned.reduce((sum, server) => sum + server.cpuMs, 0);
  note(
    `${Math.round((count * 1000) / ms).toLocaleString('en')} ends a second, in ${(ms / 1000).toFixed(1)} s; an end took ${perEnd(cpuMs)} of the servers’ processors and ${perEnd(redisMs)} of Redis’, which was at work ${Math.round((redisMs * 100) / ms)} % of the time`,
  );
  for (const [index, { ended, loopP99Ms, loopMaxMs }] of cleaned.entries()) {
    note(
      `server ${SERVERS[index]} ended ${ended.length.toLocaleString('en')}; its event loop was held ${loopP99Ms.toFixed(1)} ms (99 of 100), ${loopMaxMs.toFixed(1)} ms at most`,
    );
  }
}
