import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { SessionsError } from '../../../domain/errors.js';
import type { ByteRange, FileKey } from '../../../ports/storage/file-storage.js';
import { liesAt } from '../folders/async-folder.js';
import type { RootPaths } from '../folders/paths.js';
import { isAbsence, isSystemError } from '../../storage-error.js';

// Without O_NONBLOCK, a fifo with this name would block a thread forever.
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Streams the file of a key; `null` if there is none, or only a foreign entry. */
export async function openFile(paths: RootPaths, key: FileKey, range?: ByteRange): Promise<Readable | null> {
  if (range) refuseMalformed(range);
  return (
    (await openAt(paths.file(key), range)) ??
    (await openAt(paths.link(key), range)) ??
    // It may have been renamed between the two.
    (await openAt(paths.file(key), range))
  );
}

async function openAt(path: string, range: ByteRange | undefined): Promise<Readable | null> {
  const handle = await openOrNull(path);
  if (!handle) return null;
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || !(await liesAt(handle, path))) {
      await handle.close();
      return null;
    }
    if (range && range.start >= stat.size) throw notSatisfiable();
    // The stream closes the handle, however it ends.
    return handle.createReadStream(range ? { start: range.start, end: range.end } : {});
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, OPEN_FILE);
  } catch (error) {
    // ENXIO: a socket. ELOOP: a link.
    if (isAbsence(error) || isSystemError(error, 'ELOOP', 'ENXIO')) return null;
    throw error;
  }
}

function refuseMalformed({ start, end }: ByteRange): void {
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (!whole || start < 0 || end < start) throw notSatisfiable();
}

function notSatisfiable(): SessionsError {
  return new SessionsError(
    'RANGE_NOT_SATISFIABLE',
    'The byte range is invalid or starts beyond the end of the file.',
  );
}
