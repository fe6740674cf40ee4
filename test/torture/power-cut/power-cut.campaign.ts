import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Campaign, CampaignContext } from '../campaign.ts';
import { BOOT_MS } from '../slim/slim-process.ts';
import { DoomedServer } from './doomed-server.ts';

/** Cuts in the life of one server, on one disk; then both are new. */
const CUTS_PER_SERVER = 10;
const LOAD_MS = 100;
/** A server that makes no file durable must be found out within so many cuts. */
const CUTS_TO_FIND_OUT = 10;

export const campaign: Campaign = {
  name: 'power-cut',
  title: 'what was acknowledged survives a power cut, and what was deleted was marked before',
  goal: 200,
  short: 3,
  async run(context) {
    const base = mkdtempSync(join(tmpdir(), 'torture-power-cut-'));
    try {
      return await run(context, base);
    } finally {
      rmSync(base, { recursive: true, force: true });
    }
  },
};

async function run({ count, random, violation, note }: CampaignContext, base: string) {
  const loss = await findOut(base, random);
  if (loss) note(`a server that syncs no file is found out by the same means: ${firstLine(loss)}`);
  else violation(`a server that syncs no file was not found out in ${CUTS_TO_FIND_OUT} cuts`);

  let [tried, claims] = [0, 0];
  while (tried < count) {
    const cuts = Math.min(CUTS_PER_SERVER, count - tried);
    await withServer({ base, random, neverDurable: false }, async (server) => {
      for (let cut = 0; cut < cuts; cut += 1) {
        // The first one comes while it starts, where it lives to see others.
        if (cut === 0 && cuts > 1) await sleep(random() * BOOT_MS);
        else await underLoad(server, random);
        tried += 1;
        for (const fault of await server.cutPower()) violation(`cut ${tried}: ${fault}`);
      }
      claims += server.claims;
    });
  }
  note(`${claims} claimed files were looked for`);
  return { tried };
}

/** What is said of a server that syncs no file. */
async function findOut(base: string, random: () => number): Promise<string | undefined> {
  return withServer({ base, random, neverDurable: true }, async (server) => {
    for (let cuts = 0; cuts < CUTS_TO_FIND_OUT; cuts += 1) {
      await underLoad(server, random);
      const [fault] = await server.cutPower();
      if (fault !== undefined) return fault;
    }
    return undefined;
  });
}

async function underLoad(server: DoomedServer, random: () => number): Promise<void> {
  await server.load();
  await sleep(random() * LOAD_MS);
}

async function withServer<T>(
  options: ConstructorParameters<typeof DoomedServer>[0],
  work: (server: DoomedServer) => Promise<T>,
): Promise<T> {
  const server = new DoomedServer(options);
  try {
    server.start();
    return await work(server);
  } finally {
    await server.stop();
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
