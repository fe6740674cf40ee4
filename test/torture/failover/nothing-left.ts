import type { SessionStore } from '#sessions/ports/store/session-store';
import type { CampaignContext } from '../campaign.ts';
import type { ThreeNodes } from '../nodes/three-nodes.ts';
import { endByAdmin } from '../processes/operator.ts';
import { holdsWithin, pause } from '../processes/scratch.ts';

/** An end that a dead server had begun is another one's after a minute. */
const LEASES_END_MS = 75_000;
const ENDED_WITHIN_MS = 30_000;
const GRACE_MS = 2000;
const PAGE = 1000;

/** Ends what is open, and cleans up with a grace of moments: no session stays, and no file on any of the nodes. */
export async function expectNothingLeft(
  nodes: ThreeNodes,
  store: SessionStore,
  { violation, note }: CampaignContext,
): Promise<void> {
  await endAll(nodes, store);
  const startedAt = performance.now();
  await pause(GRACE_MS);
  const isClean = async (): Promise<boolean> => {
    if (nodes.files().length === 0 && (await store.ledger.totals()).ending === 0) return true;
    // Whoever was killed last may still be missing a moment of Redis: the next round tells.
    await Promise.allSettled(nodes.servers.map(({ child }) => child.ask('cleanUp', GRACE_MS)));
    return false;
  };
  const wasCleaned = await holdsWithin(LEASES_END_MS, isClean);
  note(`nothing was left ${((performance.now() - startedAt) / 1000).toFixed(1)} s after the last request`);
  if (wasCleaned) return;
  const [files, { open, ending }] = [nodes.files(), await store.ledger.totals()];
  violation(
    `left behind: ${files.length} files, ${open} open and ${ending} ending sessions: ${files.slice(0, 3).join()}`,
  );
}

async function endAll(nodes: ThreeNodes, store: SessionStore): Promise<void> {
  await holdsWithin(ENDED_WITHIN_MS, async () => {
    const { sessions: open } = await store.sessions.list({ limit: PAGE, sort: 'created_at' });
    // One that has just ended by itself is not there for an operator: 404.
    await Promise.all(
      open.map(({ id }, index) =>
        endByAdmin(nodes.servers[index % 3]?.port ?? 0, nodes.adminToken, id).catch(() => {}),
      ),
    );
    return open.length === 0;
  });
}
