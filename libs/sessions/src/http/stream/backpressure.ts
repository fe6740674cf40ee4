/** More than the soft limit may be pending for a short time, more than the hard limit never. */
const SOFT_LIMIT_BYTES = 1024 * 1024;
const HARD_LIMIT_BYTES = 8 * SOFT_LIMIT_BYTES;
const SOFT_LIMIT_MS = 1000;

/**
 * Decides when the reader of a live connection is too slow. A burst is fine while the reader catches up; a reader that
 * stays behind must be disconnected, since the bytes pending for it occupy the server's memory.
 */
export class Backpressure {
  private behindSince: number | null = null;

  constructor(private readonly clock: () => number = () => performance.now()) {}

  /** Whether to disconnect the reader: more than 1 MiB has been pending for a second, or more than 8 MiB is. */
  isTooMuch(pendingBytes: number): boolean {
    if (pendingBytes <= SOFT_LIMIT_BYTES) {
      this.behindSince = null;
      return false;
    }
    this.behindSince ??= this.clock();
    return pendingBytes > HARD_LIMIT_BYTES || this.clock() - this.behindSince >= SOFT_LIMIT_MS;
  }
}
