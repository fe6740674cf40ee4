import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  type BigIntStats,
} from 'node:fs';
import { REACHES_THROUGH_OPEN_FOLDERS } from './async-folder.js';

const ASCII = /^[\x20-\x7e]+$/;
const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * An open folder, for threads that may block on the disk. On Linux, operations on `at(name)` act in this very folder. Names
 * are Latin-1 strings, one character a byte, so that a name that is not UTF-8 stays intact.
 */
export class SyncFolder {
  private constructor(
    private readonly fd: number,
    private readonly path: Buffer,
  ) {}

  /** Throws the system error if the folder is missing, or a link. */
  static open(path: string | Buffer): SyncFolder {
    return new SyncFolder(openSync(path, OPEN_FOLDER), Buffer.from(path));
  }

  static use<T>(path: string | Buffer, work: (folder: SyncFolder) => T): T {
    const folder = SyncFolder.open(path);
    try {
      return work(folder);
    } finally {
      folder.close();
    }
  }

  names(): string[] {
    return readdirSync(this.base, { encoding: 'latin1' });
  }

  /** The path of a name in this folder; valid while the folder is open. */
  at(name: string): string | Buffer {
    const { base } = this;
    // Yarn's Plug'n'Play takes no bytes as a path; names of ours are ASCII.
    if (typeof base === 'string' && ASCII.test(name)) return `${base}/${name}`;
    return Buffer.concat([Buffer.from(base), Buffer.from(`/${name}`, 'latin1')]);
  }

  stat(): BigIntStats {
    return fstatSync(this.fd, { bigint: true });
  }

  /** The device and, if the system reports it, the mount: a file system may be mounted inside itself. */
  mount(): string {
    const { dev } = this.stat();
    if (!REACHES_THROUGH_OPEN_FOLDERS) return String(dev);
    const id = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${this.fd}`, 'latin1'))?.[1];
    return `${dev} ${id}`;
  }

  /** Whether its path is still the one it was opened with, with no link in it. */
  liesThere(): boolean {
    if (!REACHES_THROUGH_OPEN_FOLDERS) return true;
    const now: string | Buffer = readlinkSync(`/proc/self/fd/${this.fd}`, { encoding: 'buffer' });
    return Buffer.from(now).equals(this.path);
  }

  close(): void {
    closeSync(this.fd);
  }

  private get base(): string | Buffer {
    return REACHES_THROUGH_OPEN_FOLDERS ? `/proc/self/fd/${this.fd}` : this.path;
  }
}
