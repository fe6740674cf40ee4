// What tests may need beside Node and npm: what of it is there, and what can be installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root } from './process.mjs';

/** Programs, each with the Debian package it comes in, and test files, each with its needs: test/tools/suites.spec.ts keeps it true. */
export const { programs, suites } = JSON.parse(readFileSync(join(root, 'tools/suites.json'), 'utf8'));
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

const isRoot = typeof process.getuid === 'function' && process.getuid() === 0;
export const isLinux = process.platform === 'linux';

export const allNeeds = ['Linux', 'root', ...Object.keys(programs)];

export function isMet(need) {
  if (need === 'Linux') return isLinux;
  if (need === 'root') return isRoot;
  // Whether it answers shows when it is asked.
  if (need === 'npm registry') return true;
  const folders = [...(process.env.PATH || '').split(delimiter), ...SYSTEM_FOLDERS];
  return folders.some((folder) => existsSync(join(folder, need)));
}

/** What `demand` would install: on Debian, as root. */
export function installablePackages() {
  return isRoot && existsSync('/usr/bin/apt-get') ? missingPackages() : [];
}

/** Installs the programs that it can; an error names what is missing then. */
export function demand(needs) {
  const packages = installablePackages();
  if (packages.length > 0) aptGetInstall(packages);
  const missing = needs.filter((need) => !isMet(need));
  if (missing.length === 0) return;
  const advice = [];
  if (missingPackages().length > 0)
    advice.push(`On Debian: sudo apt-get install ${missingPackages().join(' ')}.`);
  if (missing.includes('root')) advice.push('Run this as root, since file systems are mounted.');
  throw new Error(`Missing: ${missing.join(', ')}. ${advice.join(' ')} Without them: npm run test:quick.`);
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
