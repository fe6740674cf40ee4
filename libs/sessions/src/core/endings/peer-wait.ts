import { STREAM_TYPE } from '../../domain/resource.js';
import type { ResourceRecord } from '../../domain/resource.js';
import { BoundedWait } from '../process/bounded-wait.js';
import type { CoreContext } from '../process/context.js';

/** Longest wait for other processes, which read of an end within half a second. */
const REMOTE_CLOSE_MS = 3000;
const REMOTE_POLL_MS = 50;

/** Files of a session that other nodes have not deleted yet. */
export interface PendingFiles {
  readonly resources: number;
  readonly bytes: number;
  /** Sorted by id. */
  readonly nodes: readonly string[];
}

/** Waits for other processes to do their part of an end. */
export class PeerWait {
  constructor(private readonly context: CoreContext) {}

  /** Waits until other live processes have released streams and uploads, as they do when they read of the end. */
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
   * Waits until live nodes have deleted their files of a session that this node has finished. Answers what is left: files
   * of nodes that are away or late.
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
    const wait = new BoundedWait(this.context.clock, REMOTE_CLOSE_MS, REMOTE_POLL_MS);
    while (!wait.isOver) {
      if (await isDone()) return;
      await wait.pause();
    }
  }
}

/** What both tell of, `null` for nothing. */
export function sumOfPending(one: PendingFiles | null, other: PendingFiles | null): PendingFiles | null {
  if (one === null || other === null) return one ?? other;
  return {
    resources: one.resources + other.resources,
    bytes: one.bytes + other.bytes,
    nodes: [...new Set([...one.nodes, ...other.nodes])].toSorted(),
  };
}

function pendingOf(held: readonly ResourceRecord[]): PendingFiles {
  const nodes = held.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== null);
  return {
    resources: held.length,
    bytes: held.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    nodes: [...new Set(nodes)].toSorted(),
  };
}
