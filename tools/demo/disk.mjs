// Inspects the storage folder from outside.
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Counts the files of all sessions. */
export async function countFiles(storagePath) {
  const entries = await readdir(join(storagePath, 's'), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  return entries.filter((entry) => entry.isFile() && /^[0-9a-f]{32}/.test(entry.name)).length;
}

export function isOnDisk(storagePath, sessionId, resourceId) {
  const [session, resource] = [sessionId, resourceId].map((id) => id.replaceAll('-', ''));
  return existsSync(join(storagePath, 's', session.slice(0, 2), session, resource));
}

/** Creates what a crash leaves: an old file of an unknown session, named as the storage names files. */
export async function plantOrphan(storagePath) {
  const session = randomBytes(16).toString('hex');
  const folder = join(storagePath, 's', session.slice(0, 2), session);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, randomBytes(16).toString('hex'));
  await writeFile(path, 'left behind', { mode: 0o600 });
  const anHourAgo = Date.now() / 1000 - 3600;
  await utimes(path, anHourAgo, anHourAgo);
  return path;
}
