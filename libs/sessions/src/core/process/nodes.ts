import { SessionsError } from '../../domain/errors.js';
import type { ResourceRecord } from '../../domain/resource.js';
import type { NodeRecord, Released } from '../../ports/store/session-store.js';
import type { CoreContext } from './context.js';
import { SILENT_AFTER_MS, wasHeardLately } from './this-process.js';

/** A node as it is now. */
export interface NodeState extends NodeRecord {
  /** Whether one of its processes has sent a heartbeat in the last 10 s. */
  readonly isLive: boolean;
  /** Whether it is the node of this process. */
  readonly isHere: boolean;
}

/** The nodes: storage roots, each with all processes that use it. */
export class Nodes {
  constructor(private readonly context: CoreContext) {}

  /** All nodes that any process has used, except forgotten ones, and that of a command without a storage folder. */
  async list(): Promise<NodeState[]> {
    const { store, thisProcess, clock, storageRoot } = this.context;
    const now = clock.now();
    const nodes = await store.fleet.listNodes();
    const lasting = storageRoot.isTransient ? nodes.filter(({ nodeId }) => nodeId !== storageRoot.id) : nodes;
    return lasting.map((node) => {
      const isHere = node.nodeId === thisProcess.nodeId;
      return { ...node, isHere, isLive: isHere || wasHeardLately(node.lastSeenAt, now) };
    });
  }

  /**
   * Gives up a node that will not return: its files no longer count, and ends that waited for it are finished. Changes
   * nothing and answers `live` if the node has sent a heartbeat in the last 10 s, `unknown` if there is no such node.
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

  /** Forgets the node of this process, if it ends with it. */
  async leave(): Promise<void> {
    const { store, storageRoot, clock } = this.context;
    if (storageRoot.isTransient)
      await store.fleet.forgetNode(storageRoot.id, Number.MAX_SAFE_INTEGER, clock.now());
  }

  /** Whether the file is on another node; `false` for a stream. */
  isElsewhere(resource: Pick<ResourceRecord, 'nodeId'>): boolean {
    return resource.nodeId !== null && resource.nodeId !== this.context.thisProcess.nodeId;
  }

  /** The error for a file of another node, with its address if that node is live and `redirectToNode` is set. */
  async elsewhere({ nodeId }: Pick<ResourceRecord, 'nodeId'>): Promise<SessionsError> {
    const { config } = this.context;
    const node = config.redirectToNode && (await this.list()).find((known) => known.nodeId === nodeId);
    const address = node && node.isLive && node.address !== config.nodeAddress ? node.address : null;
    return new SessionsError('RESOURCE_ELSEWHERE', 'The file is on another server: request it there.', {
      ...(address !== null && { nodeAddress: address }),
    });
  }
}
