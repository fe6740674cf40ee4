import { AUDIT_MS } from '../../domain/journal/audit-entry.js';
import { LEASE_MS, type LeaseRequest } from '../../ports/endings.js';
import { pruneTimelines } from '../journal/prune-timelines.js';
import type { CoreContext } from '../process/context.js';
import { requireDeleted, type Ender } from '../endings/ender.js';
import { SILENT_AFTER_MS } from '../process/this-process.js';
import type { FileClaiming } from '../ways-out/file-claiming.js';
import type { Placer } from '../resources/placer.js';
import type { Releaser } from '../resources/releaser.js';
import type { Attempts, Item } from './attempts.js';
import { RunReport } from './run-report.js';

const SESSION = 'Session';
const RESOURCE = 'Resource';
const OVERDRAWN = 'Overdrawn files of session';
const CLAIM = 'Claim of resource';
const TRASH = 'Trash';
const KINDS = [SESSION, RESOURCE, OVERDRAWN, CLAIM, TRASH];
const PAGE = 500;
const TRASH_PAGE = 100;
const TOMBSTONE_PAGE = 5000;
/** A tombstone outlives the absolute end by this, so that every process reads of the end. */
const TOMBSTONE_MARGIN_MS = 60_000;

/** Finishes work that the death of a process or a failure of disk or store interrupted. */
export class Recovery {
  constructor(
    private readonly context: CoreContext,
    private readonly attempts: Attempts,
    private readonly parts: {
      readonly ender: Ender;
      readonly releaser: Releaser;
      readonly placer: Placer;
      readonly claiming: FileClaiming;
    },
  ) {}

  /** `retryNow`: what failed is retried also where its retry is not due yet. */
  async finish(report: RunReport, retryNow = false): Promise<void> {
    const { store, storageRoot, clock } = this.context;
    await this.step('Failed items', report, () => this.reviewFailed(report, retryNow));
    await this.step('Dead processes', report, () => this.dropDeadProcesses(report));
    await this.step('Failed uploads', report, () => this.parts.releaser.abandonPending());
    await this.step('Claims', report, () => this.parts.claiming.finishPending());
    await this.step('Owed ends', report, () => this.parts.ender.repeatOwed());
    await this.step('Ends', report, () => this.finishEnds(report, retryNow));
    await this.step('Releases', report, () => this.finishReleases(report, retryNow));
    await this.step('Overdrawn files', report, () => this.placeOverdrawn(report));
    await this.step('Trash', report, () => this.emptyTrash(report));
    await this.step('Ballast', report, () => storageRoot.restoreBallast());
    await this.step('Tombstones', report, () => this.dropTombstones());
    await this.step('Journal', report, () => this.pruneJournal());
    await this.step('Trends', report, () => store.trends.prune(clock.now()));
    await this.step('Networks', report, () => store.sessions.forgetNetworks(clock.now()));
    await this.step('Marker', report, async () => storageRoot.noteStore(await store.ledger.identity()));
  }

  /** Finishes ends outside a run. Never rejects: it logs failures, and the next cleanup retries. */
  async finishEndsNow(): Promise<void> {
    const report = new RunReport(this.context.log, () => {});
    await this.step('Ends', report, async () => {
      await this.attempts.loadOnce();
      await this.finishEnds(report);
    });
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
    // Read before the processes: the store lists whoever lent a path or began a claim before that.
    const [lent, claims] = [await storageRoot.lentFiles.list(), await storageRoot.claims.list()];
    const silentSince = clock.now() - SILENT_AFTER_MS;
    const alive: string[] = [thisProcess.id];
    for (const { processId, isLive } of await thisProcess.listProcesses()) {
      if (isLive) alive.push(processId);
      else if (await store.fleet.dropProcess(processId, silentSince)) report.done();
    }
    await storageRoot.beacons.keepOnly(alive);
    const isLeft = ({ owner }: { readonly owner: string }): boolean => !alive.includes(owner);
    await Promise.all(lent.filter(isLeft).map((entry) => storageRoot.lentFiles.remove(entry)));
    for (const claim of claims.filter(isLeft)) {
      const item = { kind: CLAIM, id: claim.resourceId };
      await this.attempt(item, report, () => this.parts.claiming.resume(claim));
    }
  }

  private finishEnds(report: RunReport, retryNow = false): Promise<void> {
    const { store } = this.context;
    return this.finishLeased(
      { kind: SESSION, report },
      () => store.endings.leaseEnding(this.leaseRequest(retryNow)),
      (session) => this.parts.ender.finish(session),
    );
  }

  private finishReleases(report: RunReport, retryNow: boolean): Promise<void> {
    const { store } = this.context;
    return this.finishLeased(
      { kind: RESOURCE, report },
      () => store.releases.leaseReleasing(this.leaseRequest(retryNow)),
      (resource) => this.parts.releaser.finish([resource]),
    );
  }

  /** Page by page, until there is nothing that this call has not leased before. */
  private async finishLeased<Leased extends { readonly id: string }>(
    { kind, report }: { readonly kind: string; readonly report: RunReport },
    lease: () => Promise<Leased[]>,
    finish: (leased: Leased) => Promise<unknown>,
  ): Promise<void> {
    const met = new Set<string>();
    for (;;) {
      const leased = await lease();
      const fresh = leased.filter(({ id }) => !met.has(id));
      for (const { id } of fresh) met.add(id);
      await Promise.all(fresh.map((one) => this.attempt({ kind, id: one.id }, report, () => finish(one))));
      if (leased.length < PAGE || fresh.length === 0) return;
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

  /** Another process, or an operator, may have finished what failed before. */
  private async reviewFailed(report: RunReport, retryNow: boolean): Promise<void> {
    const { store, storage, storageRoot } = this.context;
    await this.attempts.load(retryNow);
    await this.attempts.forgetDone(KINDS, async ({ kind, id }) => {
      if (kind === SESSION) return this.isEnding(id);
      if (kind === RESOURCE) return this.isReleasing(id);
      if (kind === CLAIM)
        return (await storageRoot.claims.list()).some(({ resourceId }) => resourceId === id);
      if (kind === TRASH) return (await storage.listTrash()).some(({ ticket }) => ticket === id);
      return (await store.resources.list([id])).some(({ overdrawn }) => overdrawn);
    });
    if (!retryNow) return;
    const leased = this.attempts.failing.filter(({ kind }) => kind === SESSION || kind === RESOURCE);
    for (const item of leased) await this.retry(item, report);
  }

  /** Whether an end is still to be finished. One whose files an operator has deleted is finished here, whenever its retry is due. */
  private async isEnding(id: string): Promise<boolean> {
    const session = await this.context.store.sessions.find(id);
    if (session?.state !== 'ending') return false;
    try {
      if ((await this.context.storage.discardSession(id)) !== null) return true;
      await this.parts.ender.finish({ ...session, hasFiles: false });
      return false;
    } catch {
      // The retry reports it.
      return true;
    }
  }

  /** Whether a release is still to be finished. The file of a session that ends goes with the end. */
  private async isReleasing(id: string): Promise<boolean> {
    const { store } = this.context;
    const resource = await store.resources.find(id);
    if (resource?.state !== 'releasing') return false;
    return (await store.sessions.find(resource.sessionId))?.state !== 'ending';
  }

  /** Without waiting for the lease of the process that failed. */
  private async retry({ kind, id }: Item, report: RunReport): Promise<void> {
    const { store } = this.context;
    const session = kind === SESSION && (await store.sessions.find(id));
    const resource = kind === RESOURCE && (await store.resources.find(id));
    await this.attempt({ kind, id }, report, async () => {
      if (session) await this.parts.ender.finish({ ...session, hasFiles: true });
      if (resource) await this.parts.releaser.finish([resource]);
    });
  }

  /** What the end of a session deletes stays with it. The rest is of sessions that the store does not know. */
  private async emptyTrash(report: RunReport): Promise<void> {
    const { storage, store } = this.context;
    const entries = await storage.listTrash();
    for (let start = 0; start < entries.length; start += TRASH_PAGE) {
      const page = entries.slice(start, start + TRASH_PAGE);
      const known = await store.resources.known(page.map(({ sessionId }) => sessionId));
      const left = page.filter((_, index) => known[index] === '');
      await Promise.all(
        left.map(({ ticket }) =>
          this.attempt({ kind: TRASH, id: ticket }, report, async () =>
            requireDeleted(await storage.emptyTrash(ticket)),
          ),
        ),
      );
    }
  }

  private async dropTombstones(): Promise<void> {
    const at = this.context.clock.now() - TOMBSTONE_MARGIN_MS;
    while ((await this.context.store.endings.dropTombstones(at, TOMBSTONE_PAGE)) === TOMBSTONE_PAGE);
  }

  private async pruneJournal(): Promise<void> {
    const { store, clock } = this.context;
    await store.audit.prune(clock.now() - AUDIT_MS);
    await pruneTimelines(this.context);
  }

  /** `retryNow`: also what a process has a lease on, which may have failed a moment ago. Two may finish one item. */
  private leaseRequest(retryNow: boolean): LeaseRequest {
    const { clock, thisProcess } = this.context;
    const at = clock.now() + (retryNow ? LEASE_MS : 0);
    return { at, lease: thisProcess.lease(), limit: PAGE };
  }
}
