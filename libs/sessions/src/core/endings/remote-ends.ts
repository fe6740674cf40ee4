import type { SessionChange } from '../../ports/session-store.js';

/** Does this node's part of ends that other nodes began, as soon as the feed tells of them. */
export class RemoteEnds {
  private working: Promise<void> | null = null;
  private isNews = false;

  constructor(
    private readonly ownNode: () => string,
    /** Finishes whatever end is this node's to finish. Never rejects. */
    private readonly finishEnds: () => Promise<void>,
  ) {}

  hear({ nodes }: Pick<SessionChange, 'nodes'>): void {
    if (!nodes.includes(this.ownNode())) return;
    this.isNews = true;
    this.working ??= this.work().finally(() => (this.working = null));
  }

  /** Waits for what is under way. */
  async stop(): Promise<void> {
    await this.working;
  }

  /** However many ends are told of at once, they are leased together. */
  private async work(): Promise<void> {
    while (this.isNews) {
      await Promise.resolve();
      this.isNews = false;
      await this.finishEnds();
    }
  }
}
