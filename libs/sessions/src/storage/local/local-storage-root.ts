import type { StoreIdentity } from '../../ports/ledger.js';
import { StorageRoot, type StorageRoom } from '../../ports/storage-root.js';
import type { RootPaths } from './folders/paths.js';
import { translateErrors, unavailable } from './folders/storage-error.js';
import { Ballast } from './root/ballast.js';
import { LocalRootBeacons } from './root/root-beacons.js';
import { DiskRoom } from './root/disk-room.js';
import { inspectRoot, prepareRoot } from './root/root.js';
import { RootGuard } from './root/root-guard.js';

export interface LocalStorageRootOptions {
  /** The folder to keep files in. It is made if it is missing; it must be of our own and closed to others. */
  readonly root: string;
  /** With fewer bytes free, new files are refused. */
  readonly minFreeBytes: number;
  /** With fewer inodes free, new files are refused. */
  readonly minFreeInodes: number;
  /** Room kept in reserve for the store beside the files; 0 = none. */
  readonly ballastBytes: number;
  /** Names in the root that belong to others, such as the store's database; so does what begins with one and `-` or `.`. */
  readonly reservedNames?: readonly string[];
  /** Is told, in one line, what an operator should know. */
  readonly onWarning?: (message: string) => void;
}

interface ConnectedRoot {
  readonly paths: RootPaths;
  readonly guard: RootGuard;
  readonly room: DiskRoom;
  readonly beacons: LocalRootBeacons;
}

/**
 * A folder of this machine. Several processes may share it.
 *
 * Each call notices if the folder is gone (unmounted, replaced): it is not *present* until it is back. If it belongs to
 * another store, or to a later state of this one, it is not *trusted*.
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

  /** Its parts, for the files that lie in it. Throws `STORAGE_UNAVAILABLE` before it is connected. */
  get connected(): ConnectedRoot {
    if (!this.connection) throw unavailable('The storage root is not connected.');
    return this.connection;
  }

  inspect(): Promise<void> {
    return translateErrors(() => inspectRoot(this.options.root, this.options.reservedNames ?? []));
  }

  connect(store: StoreIdentity): Promise<void> {
    const { root, reservedNames = [], ballastBytes, minFreeBytes, minFreeInodes } = this.options;
    return translateErrors(async () => {
      const prepared = await prepareRoot(root, reservedNames, store);
      const { paths } = prepared;
      const guard = new RootGuard(prepared, store, this.options.onWarning ?? (() => undefined));
      const ballast = new Ballast(paths, ballastBytes);
      const floor = { freeBytes: minFreeBytes, freeInodes: minFreeInodes };
      const room = new DiskRoom(paths, guard, ballast, floor);
      if (prepared.fresh) await room.restoreBallast();
      this.connection = { paths, guard, room, beacons: new LocalRootBeacons(paths, guard) };
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
}
