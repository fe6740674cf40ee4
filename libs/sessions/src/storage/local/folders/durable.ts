import { fdatasync, fsync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { systemCode } from './storage-error.js';

const byDescriptor = { sync: promisify(fsync), datasync: promisify(fdatasync) };

/** Makes the bytes and the metadata of an open file, or the names in an open folder, durable. */
export function syncHandle(handle: FileHandle): Promise<void> {
  return makeDurable(handle, 'sync');
}

/** Makes the bytes of an open file durable. */
export function datasyncHandle(handle: FileHandle): Promise<void> {
  return makeDurable(handle, 'datasync');
}

/** Yarn's Plug'n'Play replaces `fs/promises` by handles whose `sync` and `datasync` only throw: the descriptor is a real one. */
async function makeDurable(handle: FileHandle, method: 'sync' | 'datasync'): Promise<void> {
  try {
    await handle[method]();
  } catch (error) {
    if (systemCode(error) !== null) throw error;
    await byDescriptor[method](handle.fd);
  }
}
