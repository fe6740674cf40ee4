import { isStuck, pauseAfter } from '../../domain/backoff.js';
import type { Failure } from '../../ports/record/ledger.js';
import type { CoreContext } from '../process/context.js';
import { describeError } from '../watch/log.js';
import type { RunReport } from './run-report.js';

/** A kind of things, and the id of one: `Session`, `Orphan`. */
export interface Item {
  readonly kind: string;
  readonly id: string;
}

/**
 * Runs the items of a cleanup: reports a failure, and retries it in later runs with growing pauses. The failures are in the
 * store, so the processes of a node retry an item together, and know of it after a restart.
 */
export class Attempts {
  private failures = new Map<string, Failure>();
  private isLoaded = false;
  private isForced = false;
  /** The items that were tried since the latest `load`. */
  private readonly tried = new Set<string>();

  constructor(private readonly context: Pick<CoreContext, 'store' | 'clock' | 'thisProcess' | 'log'>) {}

  /** Number of items of this node that failed, and are not finished, by the latest `load` and the tries since. */
  get waiting(): number {
    return this.failures.size;
  }

  /** Reads the failures of this node. `isForced`: all are due, once. */
  async load(isForced = false): Promise<void> {
    this.isForced = isForced;
    this.tried.clear();
    const failures = await this.context.store.ledger.listFailures(this.nodeId);
    this.failures = new Map(failures.map((failure) => [failure.item, failure]));
    this.isLoaded = true;
  }

  /** As `load`, unless this process has read them before: a process that has just started must not count anew. */
  async loadOnce(): Promise<void> {
    if (!this.isLoaded) await this.load();
  }

  /** The items that failed, and are not finished. */
  get failing(): Item[] {
    return [...this.failures.keys()].map(itemOf);
  }

  /** Runs `work` unless its retry is not due yet; answers whether it succeeded. */
  async make(item: Item, report: RunReport, work: () => Promise<unknown>): Promise<boolean> {
    const key = keyOf(item);
    const known = this.failures.get(key);
    if (known && !this.isDue(known)) return false;
    if (this.isForced) this.tried.add(key);
    try {
      await work();
    } catch (error) {
      report.postpone(key, error);
      await this.note(key, (known?.tries ?? 0) + 1);
      return false;
    }
    if (known) await this.forget([key]);
    return true;
  }

  /** Forgets the failures of items of some kinds that somebody else has finished: those of which `isLeft` answers `false`. */
  async forgetDone(kinds: readonly string[], isLeft: (item: Item) => Promise<boolean>): Promise<void> {
    const done: Item[] = [];
    for (const item of this.failing) if (kinds.includes(item.kind) && !(await isLeft(item))) done.push(item);
    if (done.length > 0) await this.forget(done.map(keyOf));
  }

  private isDue({ item, tries, retryAt }: Failure): boolean {
    if (this.isForced) return !this.tried.has(item);
    const left = retryAt - this.context.clock.now();
    // No pause is longer: it was noted under a time that nobody believes any more.
    return left <= 0 || left > pauseAfter(tries);
  }

  private async note(item: string, tries: number): Promise<void> {
    const failure = { item, tries, retryAt: this.context.clock.now() + pauseAfter(tries) };
    this.failures.set(item, failure);
    if (isStuck(failure) && !isStuck({ tries: tries - 1 })) {
      this.context.log.warn(`${item} could not be cleaned up in ${tries} tries: see the failures above.`);
    }
    await this.write(() => this.context.store.ledger.noteFailures(this.nodeId, [failure]));
  }

  private async forget(items: readonly string[]): Promise<void> {
    for (const item of items) this.failures.delete(item);
    await this.write(() => this.context.store.ledger.forgetFailures(this.nodeId, items));
  }

  /** A store that takes no failures now gets them from the next run, which fails anew. */
  private async write(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.context.log.debug(`Recording failed items failed: ${describeError(error)}`);
    }
  }

  private get nodeId(): string {
    return this.context.thisProcess.nodeId;
  }
}

function keyOf({ kind, id }: Item): string {
  return `${kind} ${id}`;
}

function itemOf(key: string): Item {
  const space = key.lastIndexOf(' ');
  return { kind: key.slice(0, space), id: key.slice(space + 1) };
}
