import type { FileKey } from '../ports/storage/file-storage.js';
import type { StoredBytes } from '../ports/storage/ways-out.js';
import { writeNew } from './new-file.js';

/** Copies a stored file to a new one at `path`, durably; answers whether there was one. */
export async function copyFile(
  source: StoredBytes,
  key: FileKey,
  path: string,
  mode: number,
): Promise<boolean> {
  const bytes = await source.read(key);
  if (!bytes) return false;
  try {
    await writeNew(path, bytes, mode);
    return true;
  } finally {
    bytes.destroy();
  }
}
