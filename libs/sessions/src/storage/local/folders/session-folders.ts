import type { Stats } from 'node:fs';
import { lstat, rename } from 'node:fs/promises';
import { SessionsError } from '../../../domain/errors.js';
import type { FileKey } from '../../../ports/storage/file-storage.js';
import { removeIfEmpty } from './empty-folder.js';
import { AsyncFolder, makeFolder } from './async-folder.js';
import { checkKey, fileName, folderName, linkName, type RootPaths } from './paths.js';
import { isAbsence, isSystemError, unavailable } from '../../storage-error.js';

/** A folder can disappear between `open` and `make` each time another writer aborts and removes it empty. */
const ATTEMPTS = 50;

/** Makes session folders, and renames finished files in them. */
export class SessionFolders {
  /** Shards whose names are known to be durable. At most 256. */
  private readonly durableShards = new Set<string>();

  constructor(private readonly paths: RootPaths) {}

  /** Calls `work` with the folder of this session; `null` if it has none. */
  use<T>(sessionId: string, work: (folder: AsyncFolder) => Promise<T>): Promise<T | null> {
    return AsyncFolder.use(this.paths.session(sessionId), work);
  }

  /**
   * Creates the file of a key under a temporary `name` by calling `make`, which must fail with `EEXIST` if the name exists.
   * Rejects with `INVALID_ARGUMENT` if the key exists.
   */
  async begin<T>(
    key: FileKey,
    name: string,
    make: (path: string) => Promise<T>,
    attempts = ATTEMPTS,
  ): Promise<T> {
    checkKey(key);
    const made = await this.attempt(key, name, make);
    if (made) return made.value;
    if (attempts > 1) return this.begin(key, name, make, attempts - 1);
    throw sessionGone();
  }

  /** `null` if the folder disappeared meanwhile: discarded, or deleted because it was empty. */
  private async attempt<T>(
    key: FileKey,
    name: string,
    make: (path: string) => Promise<T>,
  ): Promise<{ value: T } | null> {
    const folder = await this.openOrMake(key.sessionId);
    if (!folder) return null;
    try {
      for (const taken of [fileName(key.resourceId), linkName(key.resourceId)]) {
        if (await exists(folder.at(taken))) throw keyTaken();
      }
      return { value: await make(folder.at(name)) };
    } catch (error) {
      if (isSystemError(error, 'EEXIST')) throw keyTaken();
      if (isSystemError(error, 'ENOENT')) return null;
      throw error;
    } finally {
      await folder.close();
    }
  }

  /**
   * Renames a complete, durable file from `name` to its final name, calls `named`, then makes the new name durable. Rejects
   * with `SESSION_GONE` once the session has been discarded.
   */
  async publish(key: FileKey, name: string, named: () => void): Promise<void> {
    const published = await this.use(key.sessionId, async (folder) => {
      const path = folder.at(fileName(key.resourceId));
      // Only the owner of the temporary name may create the final one.
      if (await exists(path)) throw keyTaken();
      try {
        await rename(folder.at(name), path);
      } catch (error) {
        if (!isAbsence(error)) throw error;
        throw new SessionsError('RESOURCE_GONE', 'The file was deleted while it was being written.', {
          cause: error,
        });
      }
      named();
      await folder.sync();
      return true;
    });
    if (!published) throw sessionGone();
    await this.syncParents(key.sessionId);
  }

  /** Makes the names in the folder of this session durable. Rejects with `SESSION_GONE` once it has been discarded. */
  async makeNamesDurable(sessionId: string): Promise<void> {
    const isThere = await this.use(sessionId, async (folder) => {
      await folder.sync();
      return true;
    });
    if (!isThere) throw sessionGone();
    await this.syncParents(sessionId);
  }

  /** After an aborted file: if its session has ended, no one else would remove the folder soon. */
  async removeIfEmpty(sessionId: string): Promise<void> {
    await AsyncFolder.use(this.paths.shard(sessionId), (shard) =>
      removeIfEmpty(shard, folderName(sessionId)),
    );
  }

  /** `null` if the folder disappeared as soon as it was made. Opens first: most sessions already have one. */
  private async openOrMake(sessionId: string): Promise<AsyncFolder | null> {
    const path = this.paths.session(sessionId);
    const known = await AsyncFolder.open(path);
    if (known) return known;
    await this.makeSessionFolder(sessionId);
    const made = await AsyncFolder.open(path);
    if (!made && (await isNoFolder(path))) {
      throw unavailable(
        'A link or file has the name of the session folder: move it out of the storage root.',
      );
    }
    return made;
  }

  private async makeSessionFolder(sessionId: string): Promise<void> {
    const path = this.paths.session(sessionId);
    try {
      await makeFolder(path);
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
      await makeFolder(this.paths.sessions);
      await makeFolder(this.paths.shard(sessionId));
      await makeFolder(path);
    }
  }

  /** The process that made a folder may not have synced it yet, so every writer does; it is cheap if already done. */
  private async syncParents(sessionId: string): Promise<void> {
    const shard = this.paths.shard(sessionId);
    await AsyncFolder.use(shard, (folder) => folder.sync());
    if (this.durableShards.has(shard)) return;
    await AsyncFolder.use(this.paths.sessions, (folder) => folder.sync());
    await AsyncFolder.use(this.paths.root, (folder) => folder.sync());
    this.durableShards.add(shard);
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstatOrNull(path)) !== null;
}

/** Whether an entry with this path is no folder. */
async function isNoFolder(path: string): Promise<boolean> {
  const found = await lstatOrNull(path);
  return found !== null && !found.isDirectory();
}

async function lstatOrNull(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

function keyTaken(): SessionsError {
  return new SessionsError('INVALID_ARGUMENT', 'A file with this session id and resource id already exists.');
}

function sessionGone(): SessionsError {
  return new SessionsError('SESSION_GONE', 'The session ended while its file was being written.');
}
