/** The upload's rate is not checked until the server has waited this long for the client's bytes. */
const GRACE_MS = 10_000;

/** Detects a slow upload by its average rate, once the server has waited ten seconds for its bytes. */
export class UploadPace {
  private waitedMs = 0;
  private checkedAt = performance.now();

  constructor(private readonly minBytesPerSecond: number) {}

  /** Call it periodically. Time in which the client waits for the server (`isServerBusy`) does not count. */
  isTooSlow(receivedBytes: number, isServerBusy: boolean): boolean {
    const now = performance.now();
    if (!isServerBusy) this.waitedMs += now - this.checkedAt;
    this.checkedAt = now;
    return this.waitedMs > GRACE_MS && receivedBytes < (this.waitedMs / 1000) * this.minBytesPerSecond;
  }
}
