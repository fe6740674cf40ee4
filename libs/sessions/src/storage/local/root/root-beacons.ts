import { randomBytes } from 'node:crypto';
import { lstat, open, readdir } from 'node:fs/promises';
import { unlinkIfThere } from '../files/file-removal.js';
import { FILE_MODE, AsyncFolder, makeFolder } from '../folders/async-folder.js';
import { isSignName, signName, type RootPaths } from '../folders/paths.js';
import { isAbsence } from '../folders/storage-error.js';

/** A process leaves its first sign before anybody knows of it: so long it is let alone. */
const UNKNOWN_FOR_MS = 60_000;
/** Whoever was told of a sign just before it was left anew still finds it. */
const KEPT = 2;

/** What the processes on a root leave there, to tell their root from a copy of it. Each sign is an empty file. */
export class RootBeacons {
  /** The latest signs of each process that leaves its own through this. */
  private readonly left = new Map<string, string[]>();

  constructor(private readonly paths: RootPaths) {}

  async leave(processId: string): Promise<string> {
    const sign = randomBytes(8).toString('hex');
    await makeFolder(this.paths.signs);
    await AsyncFolder.use(this.paths.signs, async (folder) => {
      const file = await open(folder.at(signName(processId, sign)), 'wx', FILE_MODE);
      await file.close();
    });
    const signs = [...(this.left.get(processId) ?? []), sign];
    this.left.set(processId, signs.slice(-KEPT));
    await this.remove(signs.slice(0, -KEPT).map((old) => signName(processId, old)));
    return sign;
  }

  async sees(processId: string, sign: string): Promise<boolean> {
    const found = await AsyncFolder.use(this.paths.signs, async (folder) => {
      try {
        return (await lstat(folder.at(signName(processId, sign)))).isFile();
      } catch (error) {
        if (isAbsence(error)) return false;
        throw error;
      }
    });
    return found ?? false;
  }

  /** Removes all signs of a process. */
  async forget(processId: string): Promise<void> {
    this.left.delete(processId);
    const names = await this.names();
    await this.remove(names.filter((name) => name.startsWith(signName(processId, ''))));
  }

  /** Removes what processes left that are not among these, and not just about to be. */
  async keep(processIds: readonly string[]): Promise<void> {
    const prefixes = processIds.map((processId) => signName(processId, ''));
    const others = (await this.names()).filter((name) => !prefixes.some((prefix) => name.startsWith(prefix)));
    if (others.length === 0) return;
    const old = await AsyncFolder.use(this.paths.signs, async (folder) => {
      const ages = await Promise.all(
        others.map(async (name) => Date.now() - (await leftAt(folder.at(name)))),
      );
      return others.filter((_, index) => (ages[index] ?? 0) > UNKNOWN_FOR_MS);
    });
    await this.remove(old ?? []);
  }

  private async names(): Promise<string[]> {
    const names = await AsyncFolder.use(this.paths.signs, (folder) => readdir(folder.base));
    return (names ?? []).filter(isSignName);
  }

  private async remove(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await AsyncFolder.use(this.paths.signs, (folder) =>
      Promise.all(names.map((name) => unlinkIfThere(folder.at(name)))),
    );
  }
}

/** Now, of one that is gone by itself. */
async function leftAt(path: string): Promise<number> {
  try {
    return (await lstat(path)).mtimeMs;
  } catch (error) {
    if (isAbsence(error)) return Date.now();
    throw error;
  }
}
