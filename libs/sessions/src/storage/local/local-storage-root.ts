import type { StoreIdentity } from '../../ports/record/ledger.js';
import { StorageRoot, type ExposedEntry, type StorageRoom } from '../../ports/storage/storage-root.js';
import type { RootPaths } from './folders/paths.js';
import { translateErrors, unavailable } from '../storage-error.js';
import { Ballast } from './root/ballast.js';
import { LocalClaims } from './ways-out/local-claims.js';
import { LocalLentFiles } from './ways-out/local-lent-files.js';
import { LocalRootBeacons } from './root/root-beacons.js';
import { DiskRoom } from './root/disk-room.js';
import { closeExposed, listExposed } from './root/exposed-entries.js';
import { inspectRoot, prepareRoot } from './root/root.js';
import { RootGuard } from './root/root-guard.js';

export interface LocalStorageRootOptions {
  /** The folder for files. Created if missing; must belong to our user, and is closed to all others (mode 700). */
  readonly root: string;
  /** New files are refused while fewer bytes are free on the disk. */
  readonly minFreeBytes: number;
  /** New files are refused while fewer inodes are free on the disk. */
  readonly minFreeInodes: number;
  /** Size of the ballast file, which reserves space for the database beside the files; 0: no ballast. */
  readonly ballastBytes: number;
  /**
   * Foreign names accepted in the root, such as the database; also with a suffix that begins with `-` or `.`. Default: none.
   */
  readonly reservedNames?: readonly string[];
  /** Absolute paths of folders that files may be claimed to. Default: none. */
  readonly claimTo?: readonly string[];
  /** Receives warnings for operators, one line each. Default: none. */
  readonly onWarning?: (message: string) => void;
}

interface ConnectedRoot {
  readonly paths: RootPaths;
  readonly guard: RootGuard;
  readonly room: DiskRoom;
  readonly beacons: LocalRootBeacons;
  readonly lentFiles: LocalLentFiles;
  readonly claims: LocalClaims;
}

/**
 * A storage root on this machine. Several processes may share it.
 *
 * Each call checks that the folder is *present*, that is, neither unmounted nor replaced. A root of another store, or of a
 * later state of this one, is not *trusted*.
 */
export class LocalStorageRoot extends StorageRoot {
  private connection: ConnectedRoot | null = null;

  constructor(private readonly options: LocalStorageRootOptions) {
    super();
  }

  get id(): string {
    return this.connection?.guard.rootId ?? '';
  }

  get beacons(): LocalRootBeacons {
    return this.connected.beacons;
  }

  get lentFiles(): LocalLentFiles {
    return this.connected.lentFiles;
  }

  get claims(): LocalClaims {
    return this.connected.claims;
  }

  /** The parts that `LocalFileStorage` uses. Throws `STORAGE_UNAVAILABLE` before `connect`. */
  get connected(): ConnectedRoot {
    if (!this.connection) throw unavailable('The storage root is not connected: call connect() first.');
    return this.connection;
  }

  inspect(): Promise<void> {
    return translateErrors(() => inspectRoot(this.options.root, this.options.reservedNames ?? []));
  }

  connect(store: StoreIdentity): Promise<void> {
    const { root, reservedNames = [], ballastBytes, minFreeBytes, minFreeInodes } = this.options;
    return translateErrors(async () => {
      const onWarning = this.options.onWarning ?? (() => undefined);
      const prepared = await prepareRoot(root, reservedNames, store, onWarning);
      const { paths } = prepared;
      const guard = new RootGuard(prepared, store, onWarning);
      const ballast = new Ballast(paths, ballastBytes);
      const floor = { freeBytes: minFreeBytes, freeInodes: minFreeInodes };
      const room = new DiskRoom(paths, guard, ballast, floor);
      if (prepared.fresh) await room.restoreBallast();
      this.connection = {
        paths,
        guard,
        room,
        beacons: new LocalRootBeacons(paths, guard),
        lentFiles: new LocalLentFiles(paths, guard, room),
        claims: new LocalClaims(paths, guard, this.options.claimTo ?? []),
      };
    });
  }

  noteStore(store: StoreIdentity): Promise<void> {
    return translateErrors(() => this.connected.guard.note(store));
  }

  trust(store: StoreIdentity): Promise<void> {
    return translateErrors(() => this.connected.guard.trust(store));
  }

  room(): Promise<StorageRoom> {
    return translateErrors(() => this.connected.room.look());
  }

  dropBallast(): Promise<void> {
    return translateErrors(() => this.connected.room.dropBallast());
  }

  restoreBallast(): Promise<boolean> {
    return translateErrors(() => this.connected.room.restoreBallast());
  }

  listExposed(most: number): Promise<ExposedEntry[]> {
    return translateErrors(() => listExposed(this.connected.paths, most));
  }

  closeExposed(): Promise<number> {
    return translateErrors(async () => {
      await this.connected.guard.assertPresent();
      return closeExposed(this.connected.paths);
    });
  }
}
