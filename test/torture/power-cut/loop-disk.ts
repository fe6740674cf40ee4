import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { delimiter } from 'node:path';

const DISK_BYTES = 64 * 1024 * 1024;
const ATTEMPTS = 50;

/** A file system in a file: what the file holds is what has reached the disk, and nothing else survives a power cut. */
export class LoopDisk {
  readonly #image: string;
  readonly #place: string;
  #mounted = false;

  constructor(image: string, place: string) {
    this.#image = image;
    this.#place = place;
    mkdirSync(place, { recursive: true });
  }

  format(): void {
    writeFileSync(this.#image, '');
    truncateSync(this.#image, DISK_BYTES);
    run('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', this.#image);
  }

  /** Recovers the journal of the file system, where there is one to recover. */
  mount(): void {
    run('mount', '-o', 'loop', this.#image, this.#place);
    this.#mounted = true;
  }

  unmount(): void {
    if (!this.#mounted) return;
    this.#mounted = false;
    run('umount', this.#place);
  }

  /** What is on the disk at one instant: the system may be writing by itself, so it is copied until two copies agree. */
  copyTo(image: string): void {
    const proof = `${image}.proof`;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      for (const target of [image, proof]) run('cp', '--sparse=always', this.#image, target);
      if (succeeds('cmp', '-s', image, proof)) return;
    }
    throw new Error('The disk does not come to rest, although nobody writes to it');
  }
}

function succeeds(command: string, ...args: string[]): boolean {
  try {
    run(command, ...args);
    return true;
  } catch {
    return false;
  }
}

function run(command: string, ...args: string[]): void {
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
  execFileSync(command, args, { env: { ...process.env, PATH: path }, stdio: ['ignore', 'ignore', 'pipe'] });
}
