const FIRST_MS = 60_000;
const MOST_MS = 3_600_000;
/** A key that failed this many times in a row is stuck: an operator must look. Its retries go on. */
export const STUCK_AFTER = 5;

interface Failure {
  readonly tries: number;
  readonly retryAt: number;
}

/** Schedules retries after 1, 2, 4 … 60 minutes. `now` is in monotonic milliseconds. */
export class Backoff {
  readonly #failures = new Map<string, Failure>();

  /** Remembers at most `mostKeys` failing keys; others stay due. */
  constructor(private readonly mostKeys = Number.POSITIVE_INFINITY) {}

  isDue(key: string, now: number): boolean {
    const failure = this.#failures.get(key);
    return failure === undefined || now >= failure.retryAt;
  }

  /** Records a failure; answers how many in a row the key has had. */
  failed(key: string, now: number): number {
    const tries = (this.#failures.get(key)?.tries ?? 0) + 1;
    if (tries > 1 || this.#failures.size < this.mostKeys) {
      this.#failures.set(key, { tries, retryAt: now + Math.min(FIRST_MS * 2 ** (tries - 1), MOST_MS) });
    }
    return tries;
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  /** The keys that have failed, and not succeeded since. */
  get failing(): string[] {
    return [...this.#failures.keys()];
  }

  /** Forgets the failures of all other keys. */
  keepOnly(keys: readonly string[]): void {
    const kept = new Set(keys);
    for (const key of this.#failures.keys()) if (!kept.has(key)) this.#failures.delete(key);
  }

  /** Whether the key has failed, and not succeeded since. */
  isFailing(key: string): boolean {
    return this.#failures.has(key);
  }

  isStuck(key: string): boolean {
    return (this.#failures.get(key)?.tries ?? 0) >= STUCK_AFTER;
  }

  /** Number of stuck keys. */
  get stuck(): number {
    return [...this.#failures.keys()].filter((key) => this.isStuck(key)).length;
  }
}
