import { Backoff } from './backoff.js';
import type { CoreContext } from '../process/context.js';
import { END_LEASE_MS, type Ender } from '../endings/ender.js';
import { SILENT_AFTER_MS } from '../process/process-instance.js';
import { RELEASE_LEASE_MS, type Releaser } from '../resources/releaser.js';
import { RunTally } from './run-tally.js';

const PAGE = 500;
const TOMBSTONES = 5000;
/** How long a tombstone outlives its session's absolute end: until every process has read of the end. */
const TOMBSTONE_MARGIN_MS = 60_000;

/** Finishes what was left half done: by a process that died, by a disk that failed, by a store that was away. */
export class Leftovers {
  private readonly backoff: Backoff;
  private trashWaiting = 0;
  private trashStuck = 0;

  constructor(
    private readonly context: CoreContext,
    private readonly ender: Ender,
    private readonly releaser: Releaser,
  ) {
    this.backoff = new Backoff(context.clock);
  }

  /** How many things could not be finished in five tries. */
  get stuck(): number {
    return this.backoff.stuck + this.trashStuck;
  }

  async finish(tally: RunTally): Promise<void> {
    const { store, storage } = this.context;
    await this.step('Dead processes', tally, () => this.dropDeadInstances(tally));
    await this.step('Failed uploads', tally, () => this.releaser.abandonUnsaid());
    await this.step('Ends', tally, () => this.finishEnds(tally));
    await this.step('Releases', tally, () => this.finishReleases(tally));
    await this.step('Trash', tally, () => this.emptyTrash(tally));
    await this.step('Ballast', tally, () => storage.restoreBallast());
    await this.step('Tombstones', tally, () => this.dropTombstones());
    await this.step('Marker', tally, async () => storage.noteStore(await store.identity()));
  }

  /** Likewise at once, outside a run. Never rejects: what fails is told, and the next cleanup's. */
  async finishEndsNow(): Promise<void> {
    const tally = new RunTally(this.context.log, () => {});
    await this.step('Ends', tally, () => this.finishEnds(tally));
  }

  /** A step that cannot be done now holds up none of the others: one of them may be what makes room for it. */
  private async step(what: string, tally: RunTally, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      tally.failed(what, error);
    }
  }

  private async dropDeadInstances(tally: RunTally): Promise<void> {
    const { store, storage, clock, instance } = this.context;
    const silentSince = clock.now() - SILENT_AFTER_MS;
    const alive: string[] = [instance.id];
    for (const { instanceId, at } of await store.listInstances()) {
      if (at > silentSince) alive.push(instanceId);
      else if (instanceId !== instance.id && (await store.dropInstance(instanceId, silentSince)))
        tally.done();
    }
    await storage.keepSigns(alive);
  }

  /** Finishes the ends that this node has a part in, and nobody is at. */
  private async finishEnds(tally: RunTally): Promise<void> {
    for (;;) {
      const claimed = await this.context.store.claimEnding(this.claim(END_LEASE_MS));
      await Promise.all(
        claimed.map((session) =>
          this.attempt(`Session ${session.id}`, tally, () => this.ender.finish(session, true)),
        ),
      );
      if (claimed.length < PAGE) return;
    }
  }

  private async finishReleases(tally: RunTally): Promise<void> {
    for (;;) {
      const claimed = await this.context.store.claimReleasing(this.claim(RELEASE_LEASE_MS));
      await Promise.all(
        claimed.map((resource) =>
          this.attempt(`Resource ${resource.id}`, tally, () => this.releaser.finish([resource])),
        ),
      );
      if (claimed.length < PAGE) return;
    }
  }

  private async attempt(what: string, tally: RunTally, work: () => Promise<unknown>): Promise<void> {
    if (!this.backoff.isDue(what)) return;
    try {
      await work();
      this.backoff.succeeded(what);
      tally.done();
    } catch (error) {
      this.backoff.failed(what);
      tally.failed(what, error);
    }
  }

  private async emptyTrash(tally: RunTally): Promise<void> {
    const { failures, stuck } = await this.context.storage.emptyTrash();
    // What waits for its next try was told when it failed.
    if (failures > this.trashWaiting) {
      tally.failed('Trash', new Error(`${failures} entries could not be deleted; they are tried again`));
    }
    this.trashWaiting = failures;
    this.trashStuck = stuck;
  }

  private async dropTombstones(): Promise<void> {
    const at = this.context.clock.now() - TOMBSTONE_MARGIN_MS;
    while ((await this.context.store.dropTombstones(at, TOMBSTONES)) === TOMBSTONES);
  }

  private claim(leaseMs: number) {
    const at = this.context.clock.now();
    return { at, lease: this.context.instance.lease(leaseMs), limit: PAGE };
  }
}
