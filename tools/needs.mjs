// What tests need beside Node and npm: checks what this machine has, and installs what is missing.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root } from './process.mjs';

/** Programs with their Debian packages, and test files with their needs. test/tools/suites.spec.ts checks both. */
export const { programs, suites } = JSON.parse(readFileSync(join(root, 'tools/suites.json'), 'utf8'));
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

const isRoot = typeof process.getuid === 'function' && process.getuid() === 0;
export const isLinux = process.platform === 'linux';

export const allNeeds = ['Linux', 'root', ...Object.keys(programs)];

export function isMet(need) {
  if (need === 'Linux') return isLinux;
  if (need === 'root') return isRoot;
  // Not checked before a test uses it.
  if (need === 'npm registry') return true;
  const folders = [...(process.env.PATH || '').split(delimiter), ...SYSTEM_FOLDERS];
  return folders.some((folder) => existsSync(join(folder, need)));
}

/** Debian packages that `demand` would install; none unless this is Debian and the user is root. */
export function installablePackages() {
  return isRoot && existsSync('/usr/bin/apt-get') ? missingPackages() : [];
}

/** Installs missing programs where it can, and throws an error that names what is still missing. */
export function demand(needs) {
  const packages = installablePackages();
  if (packages.length > 0) aptGetInstall(packages);
  const missing = needs.filter((need) => !isMet(need));
  if (missing.length === 0) return;
  const advice = [];
  if (missingPackages().length > 0)
    advice.push(`On Debian: sudo apt-get install ${missingPackages().join(' ')}.`);
  if (missing.includes('root')) advice.push('Run this as root: tests mount file systems.');
  throw new Error(
    `Missing: ${missing.join(', ')}. ${advice.join(' ')} npm run test:quick runs without them.`,
  );
}

function missingPackages() {
  const missing = Object.keys(programs).filter((program) => !isMet(program));
  return [...new Set(missing.map((program) => programs[program]))];
}

function aptGetInstall(packages) {
  console.error(`Installing ${packages.join(', ')} with apt-get ...`);
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update', '-qq'], options);
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options);
}
