import { randomUUID } from 'node:crypto';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CampaignContext } from '../campaign.ts';
import { ServerProcess } from '../disk/server-process.ts';
import { runCli } from './programs.ts';
import { SweeperWorld } from './sweeper-world.ts';

const FILES = 120;
const SWEEPS = 3;
const DATABASE = 'sessions.db';
const PARTLY_DONE = 4;
const GRACE = ['--orphan-grace', '0', '--force'];

interface Mishap {
  readonly name: string;
  /** Befalls the database of a root whose server is down; `older` is a copy of an earlier state of it. */
  readonly befall: (root: string, older: string) => Promise<void> | void;
  /** Whether the storage can tell; else the sweeper has to, by what it would delete. */
  readonly isNoticed: boolean;
}

const MISHAPS: readonly Mishap[] = [
  {
    name: 'the database deleted, and begun anew',
    befall: (root) => deleteDatabase(root),
    isNoticed: true,
  },
  {
    name: 'the database of another root',
    async befall(root) {
      const other = `${root}-other`;
      await (await SweeperWorld.start(other)).stop();
      deleteDatabase(root);
      cpSync(join(other, DATABASE), join(root, DATABASE));
    },
    isNoticed: true,
  },
  {
    name: 'an older copy of the database restored',
    befall(root, older) {
      deleteDatabase(root);
      cpSync(older, join(root, DATABASE));
    },
    isNoticed: true,
  },
  {
    name: 'the database emptied',
    befall(root) {
      const database = new DatabaseSync(join(root, DATABASE));
      for (const table of ['uses', 'resources', 'sessions']) database.exec(`DELETE FROM ${table}`);
      database.close();
    },
    isNoticed: false,
  },
];

/** What happens to stores: files are kept, health tells, and an operator's word makes everything go on. */
export async function serveOnWrongStores(
  { random, violation, note }: CampaignContext,
  base: string,
  most: number,
): Promise<void> {
  const start = Math.floor(random() * MISHAPS.length);
  for (let count = 0; count < most; count += 1) {
    const mishap = MISHAPS[(start + count) % MISHAPS.length];
    if (!mishap) continue;
    const root = join(base, `store-${randomUUID()}`);
    await fill(root, mishap);
    await serve(root, mishap, (message) => violation(`${mishap.name}: ${message}`));
  }
  note(`${most} mishaps of the store: no file deleted until confirmed`);
}

/** A root with files of live sessions, which the mishap then makes those of nobody. */
async function fill(root: string, { befall }: Mishap): Promise<void> {
  const older = `${root}.older`;
  const before = await SweeperWorld.start(root);
  await before.stop();
  cpSync(join(root, DATABASE), older);
  const world = await SweeperWorld.start(root);
  for (let count = 0; count < FILES; count += 40) {
    const session = await world.open();
    await Promise.all(Array.from({ length: 40 }, () => world.addFile(session, Buffer.from('kept'))));
  }
  await world.stop();
  await befall(root, older);
}

async function serve(
  root: string,
  { isNoticed }: Mishap,
  violation: (message: string) => void,
): Promise<void> {
  const before = filesIn(root);
  if (before.length !== FILES) violation(`only ${before.length} files to begin with`);
  const server = await ServerProcess.start({
    root,
    manualClock: true,
    options: { minFreeBytes: 0, ballastBytes: 0 },
  });
  try {
    for (let sweep = 0; sweep < SWEEPS; sweep += 1) await server.cleanUp(0);
    const deleted = before.length - filesIn(root).length;
    if (deleted > 0) violation(`${deleted} files were deleted`);
    server.advance(1000);
    const { status, sessions } = await server.health();
    const why = isNoticed ? sessions['storage'] === 'untrusted' : sessions['recovery'] === 'held';
    if (status !== 200 || sessions['status'] !== 'degraded' || !why) {
      violation(`health says ${status} ${JSON.stringify(sessions)}`);
    }
    if (!/belong to (another store|no session)|older than the files/.test(server.log))
      violation('the log does not tell');
    const visitor = await server.visit();
    const upload = await visitor.upload(new Uint8Array(10));
    if (upload.status !== (isNoticed ? 503 : 201)) violation(`an upload got ${upload.status}`);

    const held = await runCli(['cleanup', ...GRACE], root);
    if (held.code !== PARTLY_DONE || !held.output.includes('--confirm')) {
      violation(`cleanup without --confirm exits with ${held.code}: ${held.output.slice(0, 300)}`);
    }
    if (filesIn(root).length < before.length) violation('cleanup without --confirm deleted files');
    const confirmed = await runCli(['cleanup', ...GRACE, '--confirm'], root);
    if (confirmed.code !== 0)
      violation(`cleanup --confirm: ${confirmed.code} ${confirmed.output.slice(0, 300)}`);
    const left = filesIn(root).filter((name) => before.includes(name)).length;
    if (left > 0) violation(`${left} files are left after cleanup --confirm`);

    if ((await visitor.upload(new Uint8Array(10))).status !== 201)
      violation('no upload after cleanup --confirm');
    await server.cleanUp(0);
    server.advance(1000);
    const healed = await server.health();
    if (healed.sessions['status'] !== 'up') violation(`not up in the end: ${JSON.stringify(healed)}`);
  } finally {
    await server.stop();
  }
}

function deleteDatabase(root: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(root, `${DATABASE}${suffix}`), { force: true });
}

function filesIn(root: string): string[] {
  const names = readdirSync(join(root, 's'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /[0-9a-f]{32}\/[0-9a-f]{32}$/.test(name));
}
