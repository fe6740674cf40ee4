import { lstat, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SessionsError } from '../../../domain/errors.js';
import type { TrashEntry, TrashReport, TrashTicket } from '../../../ports/storage/file-storage.js';
import { AsyncFolder } from '../folders/async-folder.js';
import { isOurs } from '../../names.js';
import { isOwnFolder } from '../folders/own-folder.js';
import {
  folderName,
  isTrashName,
  laterTrashName,
  parseTrashName,
  trashName,
  type RootPaths,
} from '../folders/paths.js';
import { isAbsence, isSystemError, missingInRoot, unavailable } from '../../storage-error.js';
import type { EntryOutcome } from './trash-removal.js';
import { TrashThread } from './trash-thread.js';

/** For the files of a session that ended right before a shutdown; a thread that was not started yet needs a second for that. */
const CLOSING_MS = 3000;

/** Keeps the folders of discarded sessions, and deletes them in a thread of its own. */
export class Trash {
  private readonly thread: TrashThread;
  private readonly underWay = new Map<string, Promise<EntryOutcome>>();

  constructor(private readonly paths: RootPaths) {
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

  /** Moves the folder of a session to the trash, durably. Answers its ticket, or `null` if it has no folder there either. */
  async take(sessionId: string): Promise<TrashTicket | null> {
    const ticket = trashName(sessionId);
    return AsyncFolder.within(this.paths.trash, missingInRoot('trash'), async (into) => {
      const moved = await AsyncFolder.use(this.paths.shard(sessionId), (shard) =>
        this.move(shard, folderName(sessionId), into, ticket),
      );
      return moved || (await isThere(into.at(ticket))) ? ticket : null;
    });
  }

  async empty(ticket: TrashTicket): Promise<TrashReport> {
    if (!isTrashName(ticket)) {
      throw new SessionsError(
        'INVALID_ARGUMENT',
        'Invalid trash ticket: pass the value returned by discardSession().',
      );
    }
    const { files, bytes, gone, error } = await this.remove(ticket);
    return { files, bytes, failure: gone ? null : (error ?? 'unknown') };
  }

  /** Only folders of our user are ever moved here: any other entry is foreign. */
  async list(): Promise<TrashEntry[]> {
    const entries: TrashEntry[] = [];
    for (const name of await readdir(this.paths.trash)) {
      const sessionId = parseTrashName(name);
      if (sessionId === null) continue;
      // oxlint-disable-next-line no-await-in-loop -- each costs an open file for a moment
      const isOwn = await AsyncFolder.use(join(this.paths.trash, name), (entry) =>
        isOwnFolder(this.paths, entry),
      );
      if (isOwn) entries.push({ ticket: name, sessionId });
    }
    return entries;
  }

  private async move(from: AsyncFolder, name: string, into: AsyncFolder, ticket: string): Promise<boolean> {
    const path = from.at(name);
    try {
      if (!(await lstat(path)).isDirectory()) return false;
      await this.renameInto(path, into, ticket);
      await Promise.all([from.sync(), into.sync()]);
      return true;
    } catch (error) {
      if (isAbsence(error)) return false;
      throw error;
    }
  }

  /** A session whose first folder is not deleted yet may have got another: that one goes into the first. */
  private async renameInto(path: string, into: AsyncFolder, ticket: string): Promise<void> {
    try {
      await rename(path, into.at(ticket));
    } catch (error) {
      if (isSystemError(error, 'ENOTDIR')) throw foreignName();
      if (!isSystemError(error, 'ENOTEMPTY', 'EEXIST')) throw error;
      const isIn = await AsyncFolder.use(join(this.paths.trash, ticket), async (first) => {
        if (!isOurs(await first.stat())) throw foreignName();
        await rename(path, first.at(laterTrashName()));
        await first.sync();
        return true;
      }).catch((failure: unknown) => {
        // The thread deleted the first one meanwhile: without this, the new one would pass for absent.
        if (isAbsence(failure)) return false;
        throw failure;
      });
      if (!isIn) throw unavailable('The trash changed meanwhile: try again.', error);
    }
  }

  private remove(name: string): Promise<EntryOutcome> {
    const already = this.underWay.get(name);
    if (already) return already;
    const removing = this.thread.remove(name).finally(() => this.underWay.delete(name));
    this.underWay.set(name, removing);
    return removing;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    const found = await lstat(path, { bigint: true });
    return found.isDirectory() && isOurs(found);
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

function foreignName(): SessionsError {
  return unavailable('A foreign entry of the folder `trash` has the name of a session: move it out.');
}
