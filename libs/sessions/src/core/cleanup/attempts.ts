import { Backoff } from '../../domain/backoff.js';
import type { Clock } from '../../ports/clock.js';
import type { RunReport } from './run-report.js';

const MAX_FAILURES = 10_000;

/** A kind of things, and the id of one: `Session`, `Orphan`. */
export interface Item {
  readonly kind: string;
  readonly id: string;
}

/** Runs the items of a cleanup: reports a failure, and retries it in later runs with growing pauses. */
export class Attempts {
  private readonly backoff = new Backoff(MAX_FAILURES);

  constructor(private readonly clock: Clock) {}

  /** Number of items that have failed five times or more. */
  get stuck(): number {
    return this.backoff.stuck;
  }

  /** Number of items that have failed, and not succeeded since. */
  get waiting(): number {
    return this.backoff.failing.length;
  }

  /** Runs `work` unless its retry is not due yet; answers whether it succeeded. */
  async make(item: Item, report: RunReport, work: () => Promise<unknown>): Promise<boolean> {
    const key = keyOf(item);
    if (!this.backoff.isDue(key, this.clock.monotonic())) return false;
    try {
      await work();
      this.backoff.succeeded(key);
      return true;
    } catch (error) {
      this.backoff.failed(key, this.clock.monotonic());
      report.postpone(key, error);
      return false;
    }
  }

  /** Forgets the failures of items that somebody else has finished: those of which `isLeft` answers `false`. */
  async forgetDone(isLeft: (item: Item) => Promise<boolean>): Promise<void> {
    for (const key of this.backoff.failing) {
      if (!(await isLeft(itemOf(key)))) this.backoff.succeeded(key);
    }
  }
}

function keyOf({ kind, id }: Item): string {
  return `${kind} ${id}`;
}

function itemOf(key: string): Item {
  const space = key.lastIndexOf(' ');
  return { kind: key.slice(0, space), id: key.slice(space + 1) };
}
