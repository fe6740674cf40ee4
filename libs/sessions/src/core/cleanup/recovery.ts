import type { LeaseRequest } from '../../ports/endings.js';
import type { CoreContext } from '../process/context.js';
import type { Ender } from '../endings/ender.js';
import { SILENT_AFTER_MS } from '../process/this-process.js';
import type { Placer } from '../resources/placer.js';
import type { Releaser } from '../resources/releaser.js';
import { Attempts, type Item } from './attempts.js';
import { RunReport } from './run-report.js';

const SESSION = 'Session';
const RESOURCE = 'Resource';
const OVERDRAWN = 'Overdrawn files of session';
const PAGE = 500;
const TOMBSTONE_PAGE = 5000;
/** A tombstone outlives the absolute end by this, so that every process reads of the end. */
const TOMBSTONE_MARGIN_MS = 60_000;

/** Finishes work that the death of a process or a failure of disk or store interrupted. */
export class Recovery {
  private readonly attempts: Attempts;
  private trashFailures = 0;
  private trashStuck = 0;

  constructor(
    private readonly context: CoreContext,
    private readonly parts: {
      readonly ender: Ender;
      readonly releaser: Releaser;
      readonly placer: Placer;
    },
  ) {
    this.attempts = new Attempts(context.clock);
  }

  /** Number of ends, releases and entries of the trash that have failed five times or more in a row. Their retries go on. */
  get stuck(): number {
    return this.attempts.stuck + this.trashStuck;
  }

  /** Number of items that have failed, and wait for a retry. */
  get waiting(): number {
    return this.attempts.waiting + this.trashFailures;
  }

  async finish(report: RunReport): Promise<void> {
    const { store, storageRoot, clock } = this.context;
    await this.step('Failed items', report, () => this.forgetDone());
    await this.step('Dead processes', report, () => this.dropDeadProcesses(report));
    await this.step('Failed uploads', report, () => this.parts.releaser.abandonPending());
    await this.step('Owed ends', report, () => this.parts.ender.repeatOwed());
    await this.step('Ends', report, () => this.finishEnds(report));
    await this.step('Releases', report, () => this.finishReleases(report));
    await this.step('Overdrawn files', report, () => this.placeOverdrawn(report));
    await this.step('Trash', report, () => this.emptyTrash(report));
    await this.step('Ballast', report, () => storageRoot.restoreBallast());
    await this.step('Tombstones', report, () => this.dropTombstones());
    await this.step('Networks', report, () => store.sessions.forgetNetworks(clock.now()));
    await this.step('Marker', report, async () => storageRoot.noteStore(await store.ledger.identity()));
  }

  /** Finishes ends outside a run. Never rejects: it logs failures, and the next cleanup retries. */
  async finishEndsNow(): Promise<void> {
    const report = new RunReport(this.context.log, () => {});
    await this.step('Ends', report, () => this.finishEnds(report));
  }

  /** A step that fails does not stop the others: one of them may free the space that it needs. */
  private async step(what: string, report: RunReport, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      report.failed(what, error);
    }
  }

  private async dropDeadProcesses(report: RunReport): Promise<void> {
    const { store, storageRoot, clock, thisProcess } = this.context;
    const silentSince = clock.now() - SILENT_AFTER_MS;
    const alive: string[] = [thisProcess.id];
    for (const { processId, isLive } of await thisProcess.listProcesses()) {
      if (isLive) alive.push(processId);
      else if (await store.fleet.dropProcess(processId, silentSince)) report.done();
    }
    await storageRoot.beacons.keepOnly(alive);
  }

  private async finishEnds(report: RunReport): Promise<void> {
    for (;;) {
      const leased = await this.context.store.endings.leaseEnding(this.leaseRequest());
      await Promise.all(
        leased.map((session) =>
          this.attempt({ kind: SESSION, id: session.id }, report, () =>
            this.parts.ender.finish(session, true),
          ),
        ),
      );
      if (leased.length < PAGE) return;
    }
  }

  private async finishReleases(report: RunReport): Promise<void> {
    for (;;) {
      const leased = await this.context.store.releases.leaseReleasing(this.leaseRequest());
      await Promise.all(
        leased.map((resource) =>
          this.attempt({ kind: RESOURCE, id: resource.id }, report, () =>
            this.parts.releaser.finish([resource]),
          ),
        ),
      );
      if (leased.length < PAGE) return;
    }
  }

  /** Those of one session together; a session that cannot be served yet is not asked for again in this run. */
  private async placeOverdrawn(report: RunReport): Promise<void> {
    const startedAt = this.context.clock.now() - 1;
    const tried = new Set<string>();
    for (;;) {
      const found = await this.context.store.resources.listOverdrawn(startedAt, PAGE);
      const due = found.map(({ sessionId }) => sessionId).filter((sessionId) => !tried.has(sessionId));
      if (due.length === 0) return;
      for (const id of new Set(due)) {
        tried.add(id);
        await this.attempts.make({ kind: OVERDRAWN, id }, report, async () =>
          report.done(await this.parts.placer.placeOverdrawn(id)),
        );
      }
    }
  }

  private async attempt(item: Item, report: RunReport, work: () => Promise<unknown>): Promise<void> {
    if (await this.attempts.make(item, report, work)) report.done();
  }

  /** Another process, or an operator, may have finished what failed here. */
  private forgetDone(): Promise<void> {
    const { store } = this.context;
    return this.attempts.forgetDone(async ({ kind, id }) => {
      if (kind === SESSION) return (await store.sessions.find(id))?.state === 'ending';
      if (kind === RESOURCE) return (await store.resources.find(id))?.state === 'releasing';
      return (await store.resources.list([id])).some(({ overdrawn }) => overdrawn);
    });
  }

  private async emptyTrash(report: RunReport): Promise<void> {
    const { failures, stuck } = await this.context.storage.emptyTrash();
    // Entries that wait for a retry were reported when they failed.
    if (failures > this.trashFailures) {
      report.postpone('Trash', new Error(`${failures} entries could not be deleted; they will be retried`));
    }
    this.trashFailures = failures;
    this.trashStuck = stuck;
  }

  private async dropTombstones(): Promise<void> {
    const at = this.context.clock.now() - TOMBSTONE_MARGIN_MS;
    while ((await this.context.store.endings.dropTombstones(at, TOMBSTONE_PAGE)) === TOMBSTONE_PAGE);
  }

  private leaseRequest(): LeaseRequest {
    const { clock, thisProcess } = this.context;
    return { at: clock.now(), lease: thisProcess.lease(), limit: PAGE };
  }
}
