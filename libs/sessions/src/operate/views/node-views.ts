import type { NodeState } from '../../core/process/nodes.js';
import type { Released } from '../../ports/store/session-store.js';
import { timeOf } from '../units.js';

export function nodeView(node: NodeState) {
  return {
    node_id: node.nodeId,
    state: nodeState(node),
    last_seen: timeOf(node.lastSeenAt),
    resources: node.resources,
    address: node.address,
  };
}

export function nodeState({ isHere, isLive }: NodeState): 'here' | 'live' | 'away' {
  if (isHere) return 'here';
  return isLive ? 'live' : 'away';
}

export function forgottenView(nodeId: string, { resources, bytes }: Released) {
  return { node_id: nodeId, forgotten: true, resources, bytes };
}
