/** What may wait for a reader for long, and what may never. */
const PATIENT_BYTES = 1024 * 1024;
const MOST_BYTES = 8 * PATIENT_BYTES;
const PATIENT_MS = 1000;

/**
 * How far the reader of one live connection is behind what is sent to it. A burst is fine for whoever takes it; one that
 * stays behind is to be cut off, since what waits for it is memory of the server.
 */
export class Backpressure {
  private behindSince: number | null = null;

  constructor(private readonly clock: () => number = () => performance.now()) {}

  /** Whether a reader for whom so many bytes wait has had its chance: more than 1 MiB for a second, or 8 MiB at all. */
  isTooMuch(waitingBytes: number): boolean {
    if (waitingBytes <= PATIENT_BYTES) {
      this.behindSince = null;
      return false;
    }
    this.behindSince ??= this.clock();
    return waitingBytes > MOST_BYTES || this.clock() - this.behindSince >= PATIENT_MS;
  }
}
