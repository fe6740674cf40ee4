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

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * An open folder, for threads that may wait for the disk. What is done `at` a name in it is done in this very folder, where
 * the system offers a path for that. Names are bytes, one character each: one that is no UTF-8 stays the name it is.
 */
export class SyncFolder {
  private constructor(
    private readonly fd: number,
    private readonly path: Buffer,
  ) {}

  /** Throws what the system says where there is no folder, or only a link to one. */
  static open(path: string | Buffer): SyncFolder {
    return new SyncFolder(openSync(path, OPEN_FOLDER), Buffer.from(path));
  }

  /** Opens the folder, does the work in it and closes it. */
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

  /** The path of a name in this folder, good while it is open. */
  at(name: string): Buffer {
    return Buffer.concat([this.base, Buffer.from(`/${name}`, 'latin1')]);
  }

  stat(): BigIntStats {
    return fstatSync(this.fd, { bigint: true });
  }

  /** The device, and where the system tells it the mount: a disk may be mounted in itself. */
  place(): string {
    const { dev } = this.stat();
    if (!REACHES_THROUGH_OPEN_FOLDERS) return String(dev);
    const mount = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${this.fd}`, 'latin1'))?.[1];
    return `${dev} ${mount}`;
  }

  /** Whether it still lies where it was opened, with no link on the way. */
  liesThere(): boolean {
    if (!REACHES_THROUGH_OPEN_FOLDERS) return true;
    return readlinkSync(`/proc/self/fd/${this.fd}`, { encoding: 'buffer' }).equals(this.path);
  }

  close(): void {
    closeSync(this.fd);
  }

  private get base(): Buffer {
    return REACHES_THROUGH_OPEN_FOLDERS ? Buffer.from(`/proc/self/fd/${this.fd}`) : this.path;
  }
}
