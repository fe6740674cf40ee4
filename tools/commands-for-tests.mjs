// Programs that tests use beside Node. On Debian, as root, they are installed; elsewhere it is said what is missing.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Each with the Debian package it comes in. */
const PACKAGES = {
  'espeak-ng': 'espeak-ng',
  strace: 'strace',
  chattr: 'e2fsprogs',
  mount: 'mount',
  'redis-server': 'redis-server',
};
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

export function demandCommands() {
  if (missing().length > 0 && canInstall()) aptGetInstall(missing());
  const absent = missing();
  if (absent.length === 0) return;
  const packages = absent.map((command) => PACKAGES[command]).join(' ');
  throw new Error(
    `The tests need ${absent.join(', ')} on PATH. On Debian or Ubuntu: sudo apt-get install ${packages}`,
  );
}

function missing() {
  const folders = [...(process.env.PATH || '').split(delimiter), ...SYSTEM_FOLDERS];
  return Object.keys(PACKAGES).filter(
    (command) => !folders.some((folder) => existsSync(join(folder, command))),
  );
}

function canInstall() {
  return process.getuid && process.getuid() === 0 && existsSync('/usr/bin/apt-get');
}

function aptGetInstall(commands) {
  const packages = commands.map((command) => PACKAGES[command]);
  console.error(`Installing ${packages.join(', ')} with apt-get ...`);
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update', '-qq'], options);
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options);
}
