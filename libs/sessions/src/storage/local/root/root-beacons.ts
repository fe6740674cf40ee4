import { randomBytes } from 'node:crypto';
import { lstat, open, readdir } from 'node:fs/promises';
import type { RootBeacons } from '../../../ports/storage/storage-root.js';
import { unlinkIfThere } from '../../names.js';
import { FILE_MODE, AsyncFolder, makeFolder } from '../folders/async-folder.js';
import { beaconName, isBeaconName, type RootPaths } from '../folders/paths.js';
import { isAbsence, translateErrors } from '../../storage-error.js';
import type { RootGuard } from './root-guard.js';

/** `keepOnly` spares beacons this young: a process leaves its first beacon before the store knows the process. */
const UNKNOWN_FOR_MS = 60_000;
/** A process that has just read the last beacon in the store still finds it after the next. */
const KEPT = 2;

/** Beacons distinguish a root from a clone of it. Each is an empty file. */
export class LocalRootBeacons implements RootBeacons {
  /** The latest beacons of each process that uses this object. */
  private readonly left = new Map<string, string[]>();

  constructor(
    private readonly paths: RootPaths,
    private readonly guard: RootGuard,
  ) {}

  leave(processId: string): Promise<string> {
    return translateErrors(async () => {
      await this.guard.assertPresent();
      const beacon = randomBytes(8).toString('hex');
      await makeFolder(this.paths.beacons);
      await AsyncFolder.use(this.paths.beacons, async (folder) => {
        const file = await open(folder.at(beaconName(processId, beacon)), 'wx', FILE_MODE);
        await file.close();
      });
      const beacons = [...(this.left.get(processId) ?? []), beacon];
      this.left.set(processId, beacons.slice(-KEPT));
      await this.unlink(beacons.slice(0, -KEPT).map((old) => beaconName(processId, old)));
      return beacon;
    });
  }

  sees(processId: string, beacon: string): Promise<boolean> {
    return translateErrors(async () => {
      const found = await AsyncFolder.use(this.paths.beacons, async (folder) => {
        try {
          return (await lstat(folder.at(beaconName(processId, beacon)))).isFile();
        } catch (error) {
          if (isAbsence(error)) return false;
          throw error;
        }
      });
      return found ?? false;
    });
  }

  remove(processId: string): Promise<void> {
    return translateErrors(async () => {
      await this.guard.assertPresent();
      this.left.delete(processId);
      const names = await this.names();
      await this.unlink(names.filter((name) => name.startsWith(beaconName(processId, ''))));
    });
  }

  keepOnly(processIds: readonly string[]): Promise<void> {
    return translateErrors(async () => {
      if (!(await this.guard.look()).present) return;
      const prefixes = processIds.map((processId) => beaconName(processId, ''));
      const isOther = (name: string): boolean => !prefixes.some((prefix) => name.startsWith(prefix));
      const others = (await this.names()).filter(isOther);
      if (others.length === 0) return;
      const old = await AsyncFolder.use(this.paths.beacons, async (folder) => {
        const ages = await Promise.all(
          others.map(async (name) => Date.now() - (await leftAt(folder.at(name)))),
        );
        return others.filter((_, index) => (ages[index] ?? 0) > UNKNOWN_FOR_MS);
      });
      await this.unlink(old ?? []);
    });
  }

  private async names(): Promise<string[]> {
    const names = await AsyncFolder.use(this.paths.beacons, (folder) => readdir(folder.base));
    return (names ?? []).filter(isBeaconName);
  }

  private async unlink(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await AsyncFolder.use(this.paths.beacons, (folder) =>
      Promise.all(names.map((name) => unlinkIfThere(folder.at(name)))),
    );
  }
}

/** The current time for a beacon that has been removed meanwhile. */
async function leftAt(path: string): Promise<number> {
  try {
    return (await lstat(path)).mtimeMs;
  } catch (error) {
    if (isAbsence(error)) return Date.now();
    throw error;
  }
}
