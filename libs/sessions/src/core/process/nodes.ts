import { SessionsError } from '../../domain/errors.js';
import type { ResourceRecord } from '../../domain/resource.js';
import type { NodeRecord, Released } from '../../ports/session-store.js';
import type { CoreContext } from './context.js';
import { SILENT_AFTER_MS, wasHeardLately } from './this-process.js';

/** A node as it is now. */
export interface NodeState extends NodeRecord {
  /** Whether one of its processes was heard of lately. */
  readonly isLive: boolean;
  /** Whether it is that of this process. */
  readonly isHere: boolean;
}

/** The machines that files lie on, or rather their storage roots: two processes on one root are one node. */
export class Nodes {
  constructor(private readonly context: CoreContext) {}

  /** Every node that was ever heard of and is not forgotten. */
  async list(): Promise<NodeState[]> {
    const { store, thisProcess, clock } = this.context;
    const now = clock.now();
    return (await store.fleet.listNodes()).map((node) => {
      const isHere = node.nodeId === thisProcess.nodeId;
      return { ...node, isHere, isLive: isHere || wasHeardLately(node.lastSeenAt, now) };
    });
  }

  /**
   * Gives up a node that will not return: its files count no more, and ends that waited for it are finished. `live` where
   * it was heard of lately, and nothing is changed; `unknown` where there is no such node.
   */
  async forget(nodeId: string): Promise<Released | 'live' | 'unknown'> {
    const { store, clock } = this.context;
    const node = (await this.list()).find((known) => known.nodeId === nodeId);
    if (!node) return 'unknown';
    if (node.isLive) return 'live';
    const silentSince = clock.now() - SILENT_AFTER_MS;
    for (const beat of await store.fleet.listProcesses()) {
      if (beat.nodeId === nodeId) await store.fleet.dropProcess(beat.processId, silentSince);
    }
    return (await store.fleet.forgetNode(nodeId, silentSince, clock.now())) ?? 'live';
  }

  /** Whether its file lies on another node. */
  isElsewhere(resource: Pick<ResourceRecord, 'nodeId'>): boolean {
    return resource.nodeId !== null && resource.nodeId !== this.context.thisProcess.nodeId;
  }

  /** Why a file cannot be had here, with the address of the node that has it where clients are to be sent there. */
  async elsewhere({ nodeId }: Pick<ResourceRecord, 'nodeId'>): Promise<SessionsError> {
    const { config } = this.context;
    const node = config.redirectToNode && (await this.list()).find((known) => known.nodeId === nodeId);
    const address = node && node.isLive && node.address !== config.nodeAddress ? node.address : null;
    return new SessionsError('RESOURCE_ELSEWHERE', 'The file lies on another server: ask that one.', {
      ...(address !== null && { nodeAddress: address }),
    });
  }
}
