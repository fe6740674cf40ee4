import { lstat, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Backoff, STUCK_AFTER } from '../../../domain/backoff.js';
import { SessionsError } from '../../../domain/errors.js';
import type { TrashReport, TrashTicket } from '../../../ports/file-storage.js';
import { AsyncFolder } from '../folders/async-folder.js';
import { isOwnFolder } from '../folders/own-folder.js';
import { folderName, isTrashName, newTrashName, type RootPaths } from '../folders/paths.js';
import { isAbsence, unavailable } from '../folders/storage-error.js';
import type { EntryOutcome } from './trash-removal.js';
import { TrashThread } from './trash-thread.js';

/** For the files of a session that ended right before a shutdown; a thread that was not started yet needs a second for that. */
const CLOSING_MS = 3000;

/**
 * Keeps the folders of discarded sessions and deletes them in the background. A failed entry is retried with growing delays
 * (see `Backoff`), and does not block the others.
 */
export class Trash {
  private readonly thread: TrashThread;
  private readonly backoff = new Backoff();
  private readonly underWay = new Map<string, Promise<EntryOutcome>>();

  constructor(
    private readonly paths: RootPaths,
    private readonly onWarning: (message: string) => void,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {
    this.thread = new TrashThread(paths.trash);
  }

  /** Waits a moment for deletions under way; those that take longer reject, and are left to the next cleanup. */
  async close(): Promise<void> {
    const timer = new AbortController();
    const moment = wait(CLOSING_MS, undefined, timer).catch(() => {});
    await Promise.race([Promise.allSettled(this.underWay.values()), moment]);
    timer.abort();
    await this.thread.close();
  }

  /** Moves the folder of a session to the trash, durably; `null` if it has none. */
  async take(sessionId: string): Promise<TrashTicket | null> {
    const ticket = newTrashName(sessionId);
    const moved = await AsyncFolder.use(this.paths.shard(sessionId), async (shard) => {
      const path = shard.at(folderName(sessionId));
      const into = await AsyncFolder.open(this.paths.trash);
      if (!into)
        throw unavailable(
          'The folder `trash` is missing in the storage root: restart the server, which makes it.',
        );
      try {
        if (!(await lstat(path)).isDirectory()) return false;
        await rename(path, into.at(ticket));
        await Promise.all([shard.sync(), into.sync()]);
        return true;
      } catch (error) {
        if (isAbsence(error)) return false;
        throw error;
      } finally {
        await into.close();
      }
    });
    return moved ? ticket : null;
  }

  /** Tries to delete one entry at once, even if its next retry is not due. */
  async emptyOne(ticket: TrashTicket): Promise<TrashReport> {
    if (!isTrashName(ticket)) {
      throw new SessionsError(
        'INVALID_ARGUMENT',
        'Invalid trash ticket: pass the value returned by discardSession().',
      );
    }
    const outcome = await this.remove(ticket, true);
    return this.report([outcome], outcome.gone ? [] : [ticket]);
  }

  /** Tries to delete every entry that is due. Entries that wait for a retry count as failures too. */
  async emptyAll(): Promise<TrashReport> {
    const names = await this.list();
    const now = this.monotonicMs();
    const due = names.filter((name) => this.backoff.isDue(name, now));
    const outcomes = await Promise.all(due.map((name) => this.remove(name, false)));
    const gone = new Set(outcomes.filter((outcome) => outcome.gone).map(({ name }) => name));
    return this.report(
      outcomes,
      names.filter((name) => !gone.has(name) && this.backoff.isFailing(name)),
    );
  }

  private async list(): Promise<string[]> {
    const names = await this.entries();
    this.backoff.keepOnly(names);
    return names;
  }

  /** Only folders of our user are ever moved here: any other entry is foreign. */
  private async entries(): Promise<string[]> {
    const entries: string[] = [];
    for (const name of (await readdir(this.paths.trash)).filter(isTrashName)) {
      // oxlint-disable-next-line no-await-in-loop -- each costs an open file for a moment
      const isOwn = await AsyncFolder.use(join(this.paths.trash, name), (entry) =>
        isOwnFolder(this.paths, entry),
      );
      if (isOwn) entries.push(name);
    }
    return entries;
  }

  private remove(name: string, urgent: boolean): Promise<EntryOutcome> {
    const already = this.underWay.get(name);
    if (already) return already;
    const removing = this.thread
      .remove(name, urgent)
      .then((outcome) => {
        this.note(outcome);
        return outcome;
      })
      .finally(() => this.underWay.delete(name));
    this.underWay.set(name, removing);
    return removing;
  }

  private note({ name, gone, error }: EntryOutcome): void {
    if (gone) {
      this.backoff.succeeded(name);
      return;
    }
    const tries = this.backoff.failed(name, this.monotonicMs());
    if (tries === 1)
      this.onWarning(`Deleting files of a discarded session failed (${error}): retrying later.`);
    if (tries === STUCK_AFTER) {
      this.onWarning(
        `Deleting files of a discarded session keeps failing (${error}): check the folder \`trash\` in the storage root.`,
      );
    }
  }

  private report(outcomes: readonly EntryOutcome[], left: readonly string[]): TrashReport {
    return {
      files: outcomes.reduce((sum, { files }) => sum + files, 0),
      bytes: outcomes.reduce((sum, { bytes }) => sum + bytes, 0),
      failures: left.length,
      stuck: left.filter((name) => this.backoff.isStuck(name)).length,
    };
  }
}
