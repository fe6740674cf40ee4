import { constants, type BigIntStats } from 'node:fs';
import { link, lstat, open, realpath, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, sep } from 'node:path';
import { SessionsError } from '../../../domain/errors.js';
import type { Adoption, FileKey } from '../../../ports/storage/file-storage.js';
import { removeFile } from './file-removal.js';
import { LocalFileWriter } from './file-writer.js';
import { STORED_MODE, AsyncFolder } from '../folders/async-folder.js';
import { datasyncHandle } from '../../durable.js';
import { linkName } from '../folders/paths.js';
import type { SessionFolders } from '../folders/session-folders.js';
import {
  CANNOT_LINK,
  isAbsence,
  isSystemError,
  toStorageError,
  translateErrors,
} from '../../storage-error.js';

const COPY_STEP_BYTES = 1024 * 1024;
const OPEN_EXISTING = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The file to adopt, as it was when `begin` checked it. */
interface Source {
  readonly folder: string;
  readonly name: string;
  readonly stat: BigIntStats;
}

/**
 * Adopts a file that other code wrote: by a hard link if possible, otherwise by a copy. The source keeps its name and mode
 * until `complete`; no other file outside the root is ever deleted. Until then the link has the suffix `.link`, which
 * permits a second link: a file with two links and no such suffix counts as foreign.
 */
export class LocalAdoption implements Adoption {
  readonly sizeBytes: number;
  private copy: LocalFileWriter | null = null;
  private linked = false;

  private constructor(
    private readonly folders: SessionFolders,
    private readonly key: FileKey,
    private readonly source: Source,
  ) {
    this.sizeBytes = Number(source.stat.size);
  }

  /** Rejects with `FILE_NOT_ADOPTABLE` unless it is a plain file of our user with one link, in `adoptFrom`, outside `root`. */
  static async begin(
    folders: SessionFolders,
    key: FileKey,
    path: string,
    folderRules: { readonly root: string; readonly adoptFrom: readonly string[] },
  ): Promise<LocalAdoption> {
    return new LocalAdoption(folders, key, await inspect(path, folderRules));
  }

  async place(): Promise<void> {
    try {
      await this.takeOver();
    } catch (error) {
      await this.abort().catch(() => undefined);
      throw toStorageError(error);
    }
  }

  complete(): Promise<void> {
    return translateErrors(async () => {
      if (this.linked) await this.setMode(STORED_MODE);
      await this.unlinkSource();
      if (this.linked) await this.takeFinalName();
    });
  }

  abort(): Promise<void> {
    return translateErrors(async () => {
      if (this.copy) return await this.copy.abort();
      if (this.linked) await removeFile(this.folders, this.key);
      await this.folders.removeIfEmpty(this.key.sessionId);
    });
  }

  /** A hard link shares its mode with the source, so the mode changes only when the source is deleted. */
  private async setMode(mode: number): Promise<void> {
    await this.folders.use(this.key.sessionId, (folder) =>
      setMode(folder.at(linkName(this.key.resourceId)), mode),
    );
  }

  /** Ignores failures: the file is also found under its current name, and the source is gone. */
  private async takeFinalName(): Promise<void> {
    await this.folders.publish(this.key, linkName(this.key.resourceId), () => {}).catch(() => {});
  }

  private async unlinkSource(): Promise<void> {
    try {
      await AsyncFolder.use(this.source.folder, async (folder) => {
        const path = folder.at(this.source.name);
        const { dev, ino } = await lstat(path, { bigint: true });
        if (dev === this.source.stat.dev && ino === this.source.stat.ino) await unlink(path);
      });
    } catch (error) {
      if (isAbsence(error)) return;
      if (this.linked) await this.setMode(Number(this.source.stat.mode) & 0o7777);
      throw error;
    }
  }

  private async takeOver(): Promise<void> {
    try {
      await this.linkWhole();
    } catch (error) {
      if (this.linked || !isSystemError(error, ...CANNOT_LINK)) throw error;
      await this.copyWhole();
    }
  }

  private async linkWhole(): Promise<void> {
    const linked = await AsyncFolder.use(this.source.folder, (folder) =>
      this.folders.begin(this.key, linkName(this.key.resourceId), async (path) => {
        // Checks the source first: `begin` would take its absence (ENOENT) for that of the session folder.
        await sameOrNotAdoptable(folder, this.source);
        await link(folder.at(this.source.name), path);
        this.linked = true;
        await makeDurable(path, this.source.stat);
        return true;
      }),
    );
    if (!linked) throw notAdoptable();
    await this.folders.makeNamesDurable(this.key.sessionId);
  }

  private async copyWhole(): Promise<void> {
    const copied = await AsyncFolder.use(this.source.folder, async (folder) => {
      const from = await open(folder.at(this.source.name), OPEN_EXISTING);
      try {
        refuseChanged(await from.stat({ bigint: true }), this.source.stat, 1n);
        this.copy = await LocalFileWriter.create(this.folders, this.key);
        if ((await copyInto(this.copy, from)) !== this.sizeBytes) throw notAdoptable();
        return true;
      } finally {
        await from.close();
      }
    });
    if (!copied) throw notAdoptable();
  }
}

async function inspect(
  path: string,
  { root, adoptFrom }: { readonly root: string; readonly adoptFrom: readonly string[] },
): Promise<Source> {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) throw notAdoptable();
  try {
    const found = await lstat(path, { bigint: true });
    const real = await realpath(path);
    const allowed = await Promise.all(adoptFrom.map(realpathOrNull));
    if (isInside(real, root) || !allowed.some((folder) => folder !== null && isInside(real, folder))) {
      throw notAdoptable();
    }
    const stat = await lstat(real, { bigint: true });
    const ownedByUs = !process.geteuid || Number(stat.uid) === process.geteuid();
    if (!found.isFile() || !stat.isFile() || stat.ino !== found.ino || stat.nlink !== 1n || !ownedByUs) {
      throw notAdoptable();
    }
    return { folder: dirname(real), name: basename(real), stat };
  } catch (error) {
    if (isAbsence(error) || isSystemError(error, 'ELOOP', 'EACCES', 'ENAMETOOLONG'))
      throw notAdoptable(error);
    throw error;
  }
}

function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

async function realpathOrNull(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

async function sameOrNotAdoptable(folder: AsyncFolder, source: Source): Promise<void> {
  try {
    refuseChanged(await lstat(folder.at(source.name), { bigint: true }), source.stat, 1n);
  } catch (error) {
    throw isAbsence(error) ? notAdoptable(error) : error;
  }
}

/** Limits were checked against the earlier size, so a file that has been written to or replaced is refused. */
function refuseChanged(now: BigIntStats, then: BigIntStats, links: bigint): void {
  const same = now.isFile() && now.dev === then.dev && now.ino === then.ino;
  if (!same || now.size !== then.size || now.mtimeNs !== then.mtimeNs || now.nlink !== links)
    throw notAdoptable();
}

async function makeDurable(path: string, source: BigIntStats): Promise<void> {
  const handle = await open(path, OPEN_EXISTING);
  try {
    refuseChanged(await handle.stat({ bigint: true }), source, 2n);
    await datasyncHandle(handle);
  } finally {
    await handle.close();
  }
}

async function setMode(path: string, mode: number): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, OPEN_EXISTING);
  } catch (error) {
    // The resource has been released meanwhile: the source is deleted anyway.
    if (isAbsence(error)) return;
    throw error;
  }
  try {
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}

async function copyInto(writer: LocalFileWriter, from: FileHandle): Promise<number> {
  const chunks = from.createReadStream({ autoClose: false, highWaterMark: COPY_STEP_BYTES });
  for await (const chunk of chunks as AsyncIterable<Uint8Array>) await writer.write([chunk]);
  return writer.finish();
}

function notAdoptable(cause?: unknown): SessionsError {
  const message =
    'Only a plain file of this user with one hard link, in a folder of adoptFrom, can be adopted.';
  return new SessionsError('FILE_NOT_ADOPTABLE', message, cause === undefined ? {} : { cause });
}
