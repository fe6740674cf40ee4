import type { RedisSessionStore } from 'nest-sessions/redis';
import type { CampaignContext } from '../campaign.ts';
import type { ThreeNodes } from '../nodes/three-nodes.ts';
import type { Child } from '../processes/child.ts';

/** Three servers, a process that only commands, and the store as it is. */
export interface Scene {
  readonly context: CampaignContext;
  readonly nodes: ThreeNodes;
  readonly command: Child;
  readonly store: RedisSessionStore;
  /** How soon the streams of an ended session are closed everywhere. */
  readonly closesWithinMs: number;
}
