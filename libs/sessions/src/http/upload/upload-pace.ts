/** For so long, bytes may come as slowly as they will. */
const GRACE_MS = 10_000;

/** Tells an upload that comes too slowly: by its average, from the tenth second on that the server waits for it. */
export class UploadPace {
  private waitedMs = 0;
  private lookedAt = performance.now();

  constructor(private readonly minBytesPerSecond: number) {}

  /** To be asked now and then. Time in which the server keeps the client waiting does not count. */
  isTooSlow(receivedBytes: number, keepsWaiting: boolean): boolean {
    const now = performance.now();
    if (!keepsWaiting) this.waitedMs += now - this.lookedAt;
    this.lookedAt = now;
    return this.waitedMs > GRACE_MS && receivedBytes < (this.waitedMs / 1000) * this.minBytesPerSecond;
  }
}
