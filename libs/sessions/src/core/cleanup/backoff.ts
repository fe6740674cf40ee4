import type { Clock } from '../../ports/clock.js';

const FIRST_MS = 60_000;
const MOST_MS = 3_600_000;
const STUCK_AFTER = 5;
const MAX_KEYS = 10_000;

interface Failure {
  tries: number;
  retryAt: number;
}

/** Remembers what failed, so that it is tried again later and later: after 1, 2, 4 … 60 minutes. */
export class Backoff {
  private readonly failures = new Map<string, Failure>();

  constructor(private readonly clock: Clock) {}

  isDue(key: string): boolean {
    const failure = this.failures.get(key);
    return !failure || this.clock.monotonic() >= failure.retryAt;
  }

  /** How many times it has failed now. */
  failed(key: string): number {
    const tries = (this.failures.get(key)?.tries ?? 0) + 1;
    const waitMs = Math.min(FIRST_MS * 2 ** (tries - 1), MOST_MS);
    if (this.failures.size < MAX_KEYS || this.failures.has(key)) {
      this.failures.set(key, { tries, retryAt: this.clock.monotonic() + waitMs });
    }
    return tries;
  }

  succeeded(key: string): void {
    this.failures.delete(key);
  }

  /** How many have failed five times or more. */
  get stuck(): number {
    return [...this.failures.values()].filter((failure) => failure.tries >= STUCK_AFTER).length;
  }
}
