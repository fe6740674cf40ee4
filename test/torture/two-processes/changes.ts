import type { CampaignContext } from '../campaign.ts';
import type { Opened, RemoteCalls, Watched } from '../remote/protocol.ts';
import { runCli } from '../remote/cli.ts';
import { now, WITHIN_MS } from './round.ts';

/** What is done to a session in one process while the other one serves it. */
export type Change = 'end' | 'regenerate' | 'login' | 'end by CLI' | 'nothing';

export interface Changed {
  readonly session: Opened;
  readonly change: Change;
  /** When it was done: from a second later on, nobody knows it otherwise. `null`: the store was busy, it was not done. */
  readonly doneAt: number | null;
}

const USER = 'ada';

/** Makes a change by this process; there, it is in force at once. */
export async function make(
  change: Change,
  session: Opened,
  by: RemoteCalls,
  root: string,
  violation: CampaignContext['violation'],
): Promise<Changed> {
  const doneAt = await doneBy(change, session, by, root);
  if (doneAt !== null && change !== 'end by CLI') {
    const { kind } = await by.request(session.token);
    if (kind === 'live') violation(`${change}: served in the very process that had done it`);
  }
  return { session, change, doneAt };
}

async function doneBy(
  change: Change,
  { id, token }: Opened,
  by: RemoteCalls,
  root: string,
): Promise<number | null> {
  switch (change) {
    case 'end': {
      const { outcome, at } = await by.end(id);
      return outcome === 'ended' ? at : null;
    }
    case 'regenerate': {
      const { outcome, at } = await by.regenerate(token);
      return outcome === 'done' ? at : null;
    }
    case 'login': {
      const { outcome, at } = await by.login(token, USER);
      return outcome === 'done' ? at : null;
    }
    case 'end by CLI': {
      const { code } = await runCli(root, ['cleanup', id, '--yes', '--json']);
      return code === 0 ? now() : null;
    }
    case 'nothing':
      return null;
  }
}

/** How much later than it should have been the old state was still served, at worst; violations are told. */
export function judge(
  changed: readonly Changed[],
  watched: readonly Watched[],
  violation: CampaignContext['violation'],
): number {
  const byToken = new Map(watched.map((each) => [each.token, each]));
  let worstMs = 0;
  for (const { session, change, doneAt } of changed) {
    const seen = byToken.get(session.token);
    if (!seen) continue;
    if (change === 'nothing') {
      if (seen.firstRefusedAt !== null) violation('A session that nobody ended was refused');
      continue;
    }
    if (doneAt === null) continue;
    const lastAt = seen.lastServedAt;
    worstMs = Math.max(worstMs, lastAt - doneAt);
    if (lastAt > doneAt + WITHIN_MS) {
      violation(
        `${change}: a request was served as before that came ${Math.round(lastAt - doneAt)} ms after it was done elsewhere`,
      );
    }
    if (seen.revived) violation(`${change}: served again after it had been refused`);
    // Uploads go by the id of the session, which a new token does not cut off.
    if (change.startsWith('end') && seen.lastUploadBegunAt > doneAt) {
      violation(
        `${change}: a file was written that was begun ${seen.lastUploadBegunAt - doneAt} ms after it`,
      );
    }
  }
  return worstMs;
}
