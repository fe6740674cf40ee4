import type { Clock } from '../../ports/clock.js';
import type { SessionChange } from '../../ports/store/session-store.js';
import { untilStopped } from '../process/bounded-wait.js';

/** Does this node's part of ends that other nodes began, as soon as the feed reports them. */
export class RemoteEnds {
  private working: Promise<void> | null = null;
  private isPending = false;

  constructor(
    private readonly ownNode: () => string,
    /** Finishes all ends that wait for this node. Never rejects. */
    private readonly finishEnds: () => Promise<void>,
    private readonly clock: Clock,
  ) {}

  onChange({ nodes }: Pick<SessionChange, 'nodes'>): void {
    if (!nodes.includes(this.ownNode())) return;
    this.isPending = true;
    this.working ??= this.work().finally(() => (this.working = null));
  }

  /** Begins no more work, and waits for what is under way, for a few seconds at most. */
  async stop(): Promise<void> {
    this.isPending = false;
    if (this.working) await untilStopped(this.clock, [this.working]);
  }

  /** Leases all ends together that the feed reports in one turn of the event loop. */
  private async work(): Promise<void> {
    while (this.isPending) {
      await Promise.resolve();
      this.isPending = false;
      await this.finishEnds();
    }
  }
}
