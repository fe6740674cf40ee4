import type { CampaignContext } from '../campaign.ts';
import type { ThreeNodes } from '../nodes/three-nodes.ts';
import type { AcknowledgedEnds } from './acknowledged-ends.ts';
import type { Ages } from './ages.ts';
import { Patron, type Manner } from './patron.ts';

export interface Limits {
  readonly maxMs: number;
  readonly idleMs: number;
  readonly maxResources: number;
  readonly maxBytes: number;
}

const MANNERS: readonly Manner[] = [
  ...Array<Manner>(12).fill('busy'),
  'sleeper',
  'sleeper',
  'keeper',
  'keeper',
];

/** All patrons, and what they have seen together. */
export class Crowd {
  readonly nodes: ThreeNodes;
  readonly limits: Limits;
  readonly ages: Ages;
  readonly ends: AcknowledgedEnds;
  readonly random: () => number;
  readonly violation: (message: string) => void;
  isOver = false;
  requests = 0;
  /** Answers that told of an outage, and requests that got none. */
  outages = 0;
  broken = 0;
  private readonly living: Promise<unknown>;

  constructor(
    { random, violation }: CampaignContext,
    nodes: ThreeNodes,
    limits: Limits,
    seen: { ages: Ages; ends: AcknowledgedEnds },
  ) {
    this.nodes = nodes;
    this.limits = limits;
    this.ages = seen.ages;
    this.ends = seen.ends;
    this.random = random;
    this.violation = violation;
    this.living = Promise.all(MANNERS.map((manner) => new Patron(this, manner).live()));
    // Whoever kills servers hears of it in the end.
    this.living.catch(() => {});
  }

  /** Lets them all finish what they are at. */
  async leave(): Promise<void> {
    this.isOver = true;
    await this.living;
  }
}
