import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { digitsOf, idOfDigits } from '../../domain/ids.js';
import type { FileKey } from '../../ports/storage/file-storage.js';
import type { LentEntry, LentFile, LentFiles, LentName, StoredBytes } from '../../ports/storage/ways-out.js';
import { copyFile } from '../copying.js';
import { isOurs, linkAgain, statOrNull, type Linking } from '../names.js';
import { backdate, SharedLends, type LentPaths } from '../shared-lends.js';
import { translateErrors } from '../storage-error.js';
import { ProcessMark } from './process-mark.js';

/** As `ProcessMark` writes itself, then the digits of the owner's id, then what `mkdtemp` adds. */
const FOLDER = /^nest-sessions-([0-9a-f]+-\d+-\d+)-([0-9a-f]{32})-\w{6}$/;
const LENT_MODE = 0o400;

/**
 * Lends files of the memory as copies, each path in a new folder for temporary files. Those who borrow a file at one time share its copy.
 * It lists what this memory has lent, and what dead processes of this machine have left: other memories may have the rest.
 */
export class MemoryLentFiles implements LentFiles {
  private readonly shared = new SharedLends();
  /** The names of the folders that are lent. */
  private readonly folders = new Set<string>();

  lend(source: StoredBytes, key: FileKey, name: LentName): Promise<LentFile | null> {
    return translateErrors(async () => {
      const lent = await this.shared.lend(`${name.owner}/${key.resourceId}`, this.pathsOf(source, key, name));
      return lent && { path: lent.path, takeBack: () => translateErrors(() => lent.takeBack()) };
    });
  }

  list(): Promise<LentEntry[]> {
    return translateErrors(async () => {
      const entries = (await readdir(tmpdir())).map(entryOf).filter((entry) => entry !== null);
      const isListed = await Promise.all(
        entries.map(async (entry) => this.folders.has(entry.name) || isLeft(entry)),
      );
      return entries.filter((_entry, index) => isListed[index]).map(({ owner, name }) => ({ owner, name }));
    });
  }

  remove({ name }: LentEntry): Promise<void> {
    return translateErrors(async () => {
      if (!FOLDER.test(name) || !(await isOurFolder(name))) return;
      await rm(join(tmpdir(), name), { recursive: true, force: true });
      this.folders.delete(name);
    });
  }

  private pathsOf(source: StoredBytes, key: FileKey, { owner, extension }: LentName): LentPaths {
    const inNewFolder = async (make: (path: string) => Promise<Linking>) => {
      const folder = await mkdtemp(
        join(tmpdir(), `nest-sessions-${String(await ProcessMark.own())}-${digitsOf(owner)}-`),
      );
      this.folders.add(basename(folder));
      const path = join(folder, `file.${extension}`);
      let outcome: Linking | undefined;
      try {
        outcome = await make(path);
        return { path, outcome };
      } finally {
        if (outcome !== 'made') await this.removeFolder(folder);
      }
    };
    return {
      first: async () => {
        const { path, outcome } = await inNewFolder(async (file) => {
          if (!(await copyFile(source, key, file, LENT_MODE))) return 'missing';
          await backdate(file);
          return 'made';
        });
        return outcome === 'made' ? path : null;
      },
      another: async (lent) => {
        const { path, outcome } = await inNewFolder((file) => linkAgain(lent, file));
        return { made: path, missing: null, impossible: lent }[outcome];
      },
      find: statOrNull,
      remove: (path) => this.removeFolder(dirname(path)),
    };
  }

  private removeFolder(folder: string): Promise<void> {
    return this.remove({ owner: '', name: basename(folder) });
  }
}

interface FoundEntry extends LentEntry {
  readonly mark: ProcessMark;
}

/** `null` for a name that is not ours. */
function entryOf(name: string): FoundEntry | null {
  const [, marked, digits] = FOLDER.exec(name) ?? [];
  const mark = marked === undefined ? null : ProcessMark.parse(marked);
  return mark && digits !== undefined ? { owner: idOfDigits(digits), name, mark } : null;
}

async function isLeft({ name, mark }: FoundEntry): Promise<boolean> {
  return (await mark.isDead()) && (await isOurFolder(name));
}

async function isOurFolder(name: string): Promise<boolean> {
  const found = await statOrNull(join(tmpdir(), name));
  return found !== null && found.isDirectory() && isOurs(found);
}
