import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { CampaignContext } from '../campaign.ts';
import { freshHealth, isNoRoom } from './judge.ts';
import { ServerProcess } from './server-process.ts';

const FILE_BYTES = 2000;

/** What is put in the place of the root, which was moved `away`. */
const REPLACEMENTS: readonly (readonly [string, (root: string, away: string) => void])[] = [
  ['a link to where it went', (root, away) => symlinkSync(away, root)],
  ['nothing', () => undefined],
  ['an empty folder', (root) => mkdirSync(root, { mode: 0o700 })],
  ['a link to itself', (root) => symlinkSync(root, root)],
];

/** The root goes while the server runs: nothing is deleted, health is down and says why, and all is well once it is back. */
export async function replaceRoot(context: CampaignContext, base: string, round: number): Promise<void> {
  const root = join(base, 'replaced');
  const database = join(base, 'replaced-database');
  mkdirSync(database, { mode: 0o700 });
  const server = await ServerProcess.start({ root, database, manualClock: false, options: {} });
  try {
    const replacement = REPLACEMENTS[round % REPLACEMENTS.length];
    if (replacement) await replaceOnce(context, server, root, ...replacement);
  } finally {
    await server.stop();
  }
}

async function replaceOnce(
  context: CampaignContext,
  server: ServerProcess,
  root: string,
  what: string,
  replace: (root: string, away: string) => void,
): Promise<void> {
  const visitor = await server.visit();
  const uploaded = await visitor.upload(new Uint8Array(FILE_BYTES));
  if (!('id' in uploaded)) return context.violation(`an upload before the root went: ${uploaded.status}`);
  const away = `${root}-away`;
  const before = listing(root);
  renameSync(root, away);
  replace(root, away);

  await server.cleanUp(0);
  const refused = await visitor.upload(new Uint8Array(FILE_BYTES));
  if (!isNoRoom(refused.status)) {
    context.violation(`${what} in place of the root: an upload was answered ${refused.status}`);
  }
  const { status, sessions } = await freshHealth(server);
  if (status !== 503) context.violation(`${what} in place of the root: health answered ${status}`);
  if (sessions['storage'] !== 'missing') {
    context.violation(`${what} in place of the root: health does not say why: ${JSON.stringify(sessions)}`);
  }
  if (listing(away) !== before) context.violation(`${what} in place of the root: its files changed`);

  rmSync(root, { recursive: true, force: true });
  renameSync(away, root);
  await server.cleanUp();
  await server.cleanUp();
  const back = await freshHealth(server);
  if (back.status !== 200)
    context.violation(`${what} in place of the root: health ${back.status} once it was back`);
  if ((await visitor.upload(new Uint8Array(FILE_BYTES))).status !== 201) {
    context.violation(`${what} in place of the root: no upload once it was back`);
  }
}

function listing(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted().join('\n');
}
