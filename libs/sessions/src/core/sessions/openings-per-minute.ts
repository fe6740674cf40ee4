const MINUTE_MS = 60_000;
const MAX_NETWORKS = 100_000;

/**
 * How many sessions each network opened in this minute. All networks share the minute, so that what a flood of them left
 * here is gone at its end; a crowd of more networks than any limit by network helps against begins it anew.
 */
export class OpeningsPerMinute {
  private readonly opened = new Map<string, number>();
  private startedAt = Number.NEGATIVE_INFINITY;

  /** Milliseconds until this network may open again; 0, and one is counted, if it may now. `now` is monotonic. */
  admit(network: string, most: number, now: number): number {
    if (now - this.startedAt >= MINUTE_MS) this.begin(now);
    const opened = this.opened.get(network) ?? 0;
    if (opened >= most) return this.startedAt + MINUTE_MS - now;
    if (this.opened.size >= MAX_NETWORKS) this.begin(now);
    this.opened.set(network, opened + 1);
    return 0;
  }

  private begin(now: number): void {
    this.opened.clear();
    this.startedAt = now;
  }
}
