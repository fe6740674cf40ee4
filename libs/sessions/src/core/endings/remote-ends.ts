import type { SessionChange } from '../../ports/session-store.js';

/** Does this node's part of ends that other nodes began, as soon as the feed reports them. */
export class RemoteEnds {
  private working: Promise<void> | null = null;
  private isPending = false;

  constructor(
    private readonly ownNode: () => string,
    /** Finishes all ends that wait for this node. Never rejects. */
    private readonly finishEnds: () => Promise<void>,
  ) {}

  onChange({ nodes }: Pick<SessionChange, 'nodes'>): void {
    if (!nodes.includes(this.ownNode())) return;
    this.isPending = true;
    this.working ??= this.work().finally(() => (this.working = null));
  }

  /** Waits for work under way. */
  async stop(): Promise<void> {
    await this.working;
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
