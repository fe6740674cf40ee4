const MINUTE_MS = 60_000;
const MAX_NETWORKS = 100_000;

/**
 * Counts the sessions that each network opened in the current minute. All networks share the minute, so that the entries
 * of a flood are dropped at its end. At 100,000 networks, where no limit by network helps, the minute restarts.
 */
export class OpeningsPerMinute {
  private readonly opened = new Map<string, number>();
  private startedAt = Number.NEGATIVE_INFINITY;

  /** Counts an opening and returns 0, or returns the milliseconds until the network may open again. `now` is monotonic. */
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
