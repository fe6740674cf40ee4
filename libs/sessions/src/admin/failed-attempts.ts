import { LRUCache } from 'lru-cache';
import type { Clock } from '../ports/clock.js';

const MINUTE_MS = 60_000;
const MAX_FAILURES = 10;
/** Networks remembered at once; the least recently used is dropped first. */
const MAX_NETWORKS = 10_000;

interface Window {
  readonly startedAt: number;
  failures: number;
}

/** Counts failed attempts per network. After ten within a minute more are refused as too many until it is over. */
export class FailedAttempts {
  private readonly windows = new LRUCache<string, Window>({ max: MAX_NETWORKS });

  constructor(private readonly clock: Clock) {}

  /** Counts one failure. Returns whether this one is the last that is counted. */
  add(network: string): boolean {
    const window = this.windowOf(network) ?? { startedAt: this.clock.monotonic(), failures: 0 };
    window.failures += 1;
    this.windows.set(network, window);
    return window.failures === MAX_FAILURES;
  }

  /** Milliseconds until the lock ends; 0 if there is none. */
  lockedForMs(network: string): number {
    const window = this.windowOf(network);
    if (!window || window.failures < MAX_FAILURES) return 0;
    return window.startedAt + MINUTE_MS - this.clock.monotonic();
  }

  private windowOf(network: string): Window | undefined {
    const window = this.windows.get(network);
    return window && this.clock.monotonic() - window.startedAt < MINUTE_MS ? window : undefined;
  }
}
