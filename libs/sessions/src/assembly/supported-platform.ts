import type { SessionsConfig } from '../core/config/config.js';
import { SessionsError } from '../domain/errors.js';

/**
 * Whether sessions and files are kept in memory alone, as on Windows, for developers' machines. Throws `CONFIG_INVALID` for
 * another store there: the local storage relies on owners, modes and open folders that Windows does not have.
 */
export function keepsFilesInMemory(
  platform: NodeJS.Platform,
  { store }: Pick<SessionsConfig, 'store'>,
): boolean {
  if (platform !== 'win32') return false;
  if (store === 'memory') return true;
  throw new SessionsError(
    'CONFIG_INVALID',
    `On Windows nest-sessions keeps sessions and files in memory alone, for developers' machines, but store (SESSION_STORE) is ${store}: set it to memory, or run on Linux or macOS.`,
  );
}
