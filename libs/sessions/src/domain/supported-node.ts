import { SessionsError } from './errors.js';

/** Throws `CONFIG_INVALID` for a version of Node.js outside `engines` of package.json. */
export function refuseOldNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isSupported = (major === 22 && minor >= 23) || (major === 24 && minor >= 14) || major > 24;
  if (isSupported) return;
  throw new SessionsError(
    'CONFIG_INVALID',
    `nest-sessions needs Node.js 22.23, 24.14 or newer; this is ${version}`,
  );
}

/**
 * The Node options of a thread that runs a file of ours: those of the process, so that its loaders find the file, as those of
 * Yarn's Plug'n'Play do. A program that was given as text has an option that Node refuses for a file: then none.
 */
export function threadOptionsOf(execArgv: readonly string[]): { readonly execArgv?: string[] } {
  return execArgv.some((option) => option.startsWith('--input-type')) ? { execArgv: [] } : {};
}
