// Installs from the lock file, unless the installed packages already come from it.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, npm, root, step } from './process.mjs';

const lockFile = join(root, 'package-lock.json');
const installedLock = join(root, 'node_modules', '.package-lock.json');
/** Hash of the installed lock file: modification times mean nothing after a checkout. */
const stamp = join(root, 'node_modules', '.installed-from');

export async function install() {
  if (isInstalled()) return;
  // `--include=dev`: the build needs the compiler, even if NODE_ENV is production. `--loglevel=error`: npm runs on the
  // machine's own Node, and would warn about `engines`.
  await step('Installing from package-lock.json', () => npm(['ci', '--include=dev', '--loglevel=error']));
  writeFileSync(stamp, fingerprintOf(readFileSync(lockFile, 'utf8')));
}

/** Installs the packages that only the benchmark needs: those it compares with. */
export async function installForBench() {
  const folder = join('test', 'bench');
  const installedFrom = join(root, folder, 'node_modules', '.installed-from');
  const fingerprint = fingerprintOf(readFileSync(join(root, folder, 'package-lock.json'), 'utf8'));
  if (existsSync(installedFrom) && readFileSync(installedFrom, 'utf8') === fingerprint) return;
  // Their peers are those of this workspace: a Nest of their own would be another Nest.
  const args = ['ci', '--prefix', folder, '--include=dev', '--legacy-peer-deps', '--loglevel=error'];
  await step('Installing the packages that the benchmark compares with', () => npm(args));
  writeFileSync(installedFrom, fingerprint);
}

function fingerprintOf(text) {
  return createHash('sha256').update(text).digest('hex');
}

export function isInstalled() {
  const wanted = readFileSync(lockFile, 'utf8');
  const fingerprint = fingerprintOf(wanted);
  if (!existsSync(join(bin, 'node')) || !existsSync(installedLock)) return false;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return true;
  if (
    !hasSamePackages(JSON.parse(wanted).packages, JSON.parse(readFileSync(installedLock, 'utf8')).packages)
  ) {
    return false;
  }
  writeFileSync(stamp, fingerprint);
  return true;
}

/** Ignores optional packages: the lock file lists those of other platforms, too. */
function hasSamePackages(wanted, installed) {
  const paths = Object.keys(wanted).filter((path) => path !== '' && !wanted[path].optional);
  return (
    paths.every((path) => installed[path] && installed[path].version === wanted[path].version) &&
    Object.keys(installed).every((path) => wanted[path] && wanted[path].version === installed[path].version)
  );
}
