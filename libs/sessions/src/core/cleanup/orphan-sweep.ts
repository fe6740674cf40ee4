import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ScannedFile } from '../../ports/storage/file-storage.js';
import type { Attempts } from './attempts.js';
import type { CoreContext } from '../process/context.js';
import type { RunReport } from './run-report.js';

/** A sweep that would delete more than this many files, and more than half of all, deletes nothing. */
const BREAKER_FILES = 100;
const BREAKER_SHARE = 0.5;
/** Suspects remembered from one scan to the next; the others are left for later sweeps. */
const MAX_SUSPECTS = 100_000;

const ORPHAN = 'Orphan';
const EMPTY_FOLDER = 'The empty folder of session';

export interface SweepOptions {
  readonly graceMs: number;
  readonly dryRun?: boolean;
  /** An operator has checked: delete orphans even if they are most of the files. */
  readonly confirmed?: boolean;
}

export interface SweepReport {
  readonly files: number;
  readonly foreign: number;
  /** Unknown to the store in two whole scans, and older than the grace. */
  readonly orphans: number;
  readonly deleted: number;
  /** Whether nothing was deleted because there are too many orphans, or the files belong to another store. */
  readonly held: boolean;
  /** Whether the files belong to this store, by the marker of the storage root. */
  readonly trusted: boolean;
}

interface Suspect {
  readonly file: ScannedFile;
  /** When it was first seen, in monotonic milliseconds. */
  readonly seenAtMs: number;
}

/** Finds and deletes files with our names that no session owns. */
export class OrphanSweep {
  /** The files that the previous scan did not know. */
  private suspects = new Map<string, Suspect>();
  /** Whether the last sweep deleted none of the orphans it found: too many at once, or not the files of this store. */
  held = false;

  constructor(
    private readonly context: CoreContext,
    private readonly attempts: Attempts,
  ) {}

  async run(options: SweepOptions, report: RunReport): Promise<SweepReport> {
    const unknown = new Map<string, Suspect>();
    let files = 0;
    let foreign = 0;
    const empty: string[] = [];
    const { storage, store } = this.context;
    for await (const part of storage.scan((sessionIds) => store.resources.known(sessionIds))) {
      files += part.files;
      foreign += part.foreign;
      for (const file of part.unknown) {
        if (unknown.size < MAX_SUSPECTS) unknown.set(suspectKey(file), this.suspect(file));
      }
      empty.push(...part.empty);
      if (!options.dryRun) await this.removeFolders(part.empty, options.graceMs, report);
      await nextTurn();
    }
    const orphans = [...unknown].filter(
      ([key, suspect]) => this.suspects.has(key) && this.isOld(suspect, options.graceMs),
    );
    this.suspects = unknown;
    if (!options.dryRun && unknown.size < MAX_SUSPECTS) {
      // Also those that another process has found: for the first scan of this one nothing is an orphan.
      const left = new Set([...[...unknown.values()].map(({ file }) => orphanId(file)), ...empty]);
      await this.attempts.forgetDone([ORPHAN, EMPTY_FOLDER], async ({ id }) => left.has(id));
    }
    const { trusted } = await this.context.storageRoot.room();
    const isTooMuch = orphans.length > BREAKER_FILES && orphans.length > files * BREAKER_SHARE;
    this.held = orphans.length > 0 && (!trusted || (isTooMuch && !options.confirmed));
    if (this.held && !options.dryRun) {
      const why = trusted ? 'the store may be empty or wrong' : 'the marker assigns them to another store';
      this.context.log.error(
        `No orphan was deleted: ${orphans.length} of ${files} files belong to no session, and ${why}. ` +
          'Check the store, then confirm the deletion with: cleanup --confirm',
      );
    }
    const deleted = this.held || options.dryRun ? 0 : await this.remove(orphans, report);
    return { files, foreign, orphans: orphans.length, deleted, held: this.held, trusted };
  }

  private suspect(file: ScannedFile): Suspect {
    const { seenAtMs = this.context.clock.monotonic() } = this.suspects.get(suspectKey(file)) ?? {};
    return { file, seenAtMs };
  }

  /**
   * Compares with the system clock, which stamps files, not with the store's. After that clock was set back, files have
   * times in the future: they are old too once the sweep has watched them for the grace.
   */
  private isOld({ file, seenAtMs }: Suspect, graceMs: number): boolean {
    return Date.now() - file.changedAt >= graceMs || this.context.clock.monotonic() - seenAtMs >= graceMs;
  }

  private async remove(orphans: readonly [string, Suspect][], report: RunReport): Promise<number> {
    let deleted = 0;
    for (const [key, { file }] of orphans) {
      await this.attempts.make({ kind: ORPHAN, id: orphanId(file) }, report, async () => {
        const isGone = await this.context.storage.removeScanned(file);
        this.suspects.delete(key);
        // A file that changed after the scan is no longer a known orphan.
        if (!isGone) return;
        deleted += 1;
        report.done();
      });
    }
    return deleted;
  }

  private async removeFolders(
    sessionIds: readonly string[],
    graceMs: number,
    report: RunReport,
  ): Promise<void> {
    for (const sessionId of sessionIds) {
      const session = await this.context.store.sessions.find(sessionId);
      if (session && session.state !== 'ended') continue;
      await this.attempts.make({ kind: EMPTY_FOLDER, id: sessionId }, report, () =>
        this.context.storage.removeEmptyFolder(sessionId, graceMs),
      );
    }
  }
}

function orphanId({ sessionId, resourceId }: ScannedFile): string {
  return `${sessionId}/${resourceId}`;
}

function suspectKey(file: ScannedFile): string {
  return `${file.resourceId}:${file.inode}:${file.partial}`;
}
