import type { Stats } from 'node:fs';
import { lstat, rename } from 'node:fs/promises';
import { SessionsError } from '../../../domain/errors.js';
import type { FileKey } from '../../../ports/file-storage.js';
import { removeIfEmpty } from './empty-folder.js';
import { AsyncFolder, makeFolder } from './async-folder.js';
import { checkKey, fileName, folderName, linkName, type RootPaths } from './paths.js';
import { isAbsence, isSystemError, unavailable } from './storage-error.js';

/** A folder that others give up goes away under the hands of who begins in it, each time somebody does. */
const ATTEMPTS = 50;

/** Makes the folders of sessions, and gives files their final names in them. */
export class SessionFolders {
  /** Shards that are known to be in their parent for good. At most 256. */
  private readonly durableShards = new Set<string>();

  constructor(private readonly paths: RootPaths) {}

  /** Does the work in the folder of this session; `null` where it has none. */
  use<T>(sessionId: string, work: (folder: AsyncFolder) => Promise<T>): Promise<T | null> {
    return AsyncFolder.use(this.paths.session(sessionId), work);
  }

  /**
   * Makes the file of a key under a name of the time before its final one, by `make`, which must fail with `EEXIST` where
   * there is one. `INVALID_ARGUMENT` if the key is taken.
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

  /** `null` where the folder went away under our hands: discarded, or deleted because it was empty. */
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
   * Gives a file that is whole and durable its final name in place of `name`, and calls `named`; then makes it durable.
   * `SESSION_GONE` once the session has been discarded.
   */
  async publish(key: FileKey, name: string, named: () => void): Promise<void> {
    const published = await this.use(key.sessionId, async (folder) => {
      const path = folder.at(fileName(key.resourceId));
      // Whoever holds the name before it is the only one who may take the final one.
      if (await exists(path)) throw keyTaken();
      try {
        await rename(folder.at(name), path);
      } catch (error) {
        if (!isAbsence(error)) throw error;
        throw new SessionsError('RESOURCE_GONE', 'The file was deleted while it was written.', {
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

  /** Makes durable what names there are in the folder of this session. `SESSION_GONE` once it has been discarded. */
  async makeNamesDurable(sessionId: string): Promise<void> {
    const isThere = await this.use(sessionId, async (folder) => {
      await folder.sync();
      return true;
    });
    if (!isThere) throw sessionGone();
    await this.syncParents(sessionId);
  }

  /** What a file that was given up leaves: its session may be over, and then nobody else would look after it for long. */
  async removeIfEmpty(sessionId: string): Promise<void> {
    await AsyncFolder.use(this.paths.shard(sessionId), (shard) =>
      removeIfEmpty(shard, folderName(sessionId)),
    );
  }

  /** `null` where it went away as soon as it was made. Most files come to a session that has some. */
  private async openOrMake(sessionId: string): Promise<AsyncFolder | null> {
    const path = this.paths.session(sessionId);
    const known = await AsyncFolder.open(path);
    if (known) return known;
    await this.makeSessionFolder(sessionId);
    const made = await AsyncFolder.open(path);
    if (!made && (await isInTheWay(path))) {
      throw unavailable('The folder of the session is not a folder of ours.');
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

  /** Whoever made a folder may not have come to make it durable yet: so everyone does, which costs little if it is. */
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
  return (await lookAt(path)) !== null;
}

/** Whether something else has the name of a folder. */
async function isInTheWay(path: string): Promise<boolean> {
  const found = await lookAt(path);
  return found !== null && !found.isDirectory();
}

async function lookAt(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

function keyTaken(): SessionsError {
  return new SessionsError('INVALID_ARGUMENT', 'There is a file for this session and resource already.');
}

function sessionGone(): SessionsError {
  return new SessionsError('SESSION_GONE', 'The session ended while its file was written.');
}
