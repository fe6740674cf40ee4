import { STREAM_TYPE } from '../../domain/resource.js';
import type { ResourceRecord } from '../../domain/resource.js';
import type { CoreContext } from '../process/context.js';

/** How long other processes are waited for; they hear of an end within half a second. */
const REMOTE_CLOSE_MS = 3000;
const REMOTE_POLL_MS = 50;

/** What of a session still lies on other nodes. */
export interface PendingFiles {
  readonly resources: number;
  readonly bytes: number;
  /** The nodes, in the order of their ids. */
  readonly nodes: readonly string[];
}

/** What other processes do when a session ends, where somebody waits for it. */
export class PeerWait {
  constructor(private readonly context: CoreContext) {}

  /** Streams and uploads that live processes hold elsewhere are let go by them as soon as they hear of the end. */
  async untilClosed(sessionId: string): Promise<void> {
    const { thisProcess, store } = this.context;
    const others = new Set((await thisProcess.listLive()).map((beat) => beat.processId));
    others.delete(thisProcess.id);
    if (others.size === 0) return;
    await this.until(async () => {
      const held = await store.resources.list([sessionId]);
      return !held.some(
        ({ type, state, processId }) =>
          (type === STREAM_TYPE || state === 'writing') && processId !== null && others.has(processId),
      );
    });
  }

  /**
   * Waits for the nodes that live to delete their files of a session that is over on this one: what is left, which is that of
   * nodes that are away or late.
   */
  async untilDeleted(sessionId: string): Promise<PendingFiles> {
    const { thisProcess, store } = this.context;
    let held = await store.resources.list([sessionId]);
    if (held.length > 0) {
      const live = new Set<string | null>((await thisProcess.listLive()).map((beat) => beat.nodeId));
      await this.until(async () => {
        held = await store.resources.list([sessionId]);
        return !held.some(({ nodeId }) => live.has(nodeId));
      });
    }
    return pendingOf(held);
  }

  private async until(isDone: () => Promise<boolean>): Promise<void> {
    const { clock } = this.context;
    const deadline = clock.monotonic() + REMOTE_CLOSE_MS;
    while (clock.monotonic() < deadline) {
      if (await isDone()) return;
      await new Promise((resolve) => setTimeout(resolve, REMOTE_POLL_MS));
    }
  }
}

function pendingOf(held: readonly ResourceRecord[]): PendingFiles {
  const nodes = held.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== null);
  return {
    resources: held.length,
    bytes: held.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    nodes: [...new Set(nodes)].toSorted(),
  };
}
