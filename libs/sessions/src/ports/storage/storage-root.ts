import type { StoreIdentity } from '../record/ledger.js';
import type { Claims, LentFiles } from './ways-out.js';

/**
 * The storage folder of this machine, whose marker names the store that the files belong to. An embedded database is in
 * this folder, even if the files are in an object store.
 *
 * The core calls `inspect`, connects the store, calls `connect` and `noteStore`, then connects the `FileStorage`. A root
 * keeps no handle open, so it has no `close`. While the disk does not answer, every operation rejects with
 * `STORAGE_UNAVAILABLE`, as those after `connect` do before it.
 */
export abstract class StorageRoot {
  /** The UUID in the marker; it identifies the node. Empty before `connect`. */
  abstract readonly id: string;

  /** Whether it is over with this process, whose node is forgotten then. */
  readonly isTransient: boolean = false;

  /** Available after `connect`. */
  abstract readonly beacons: RootBeacons;

  /** Available after `connect`. */
  abstract readonly lentFiles: LentFiles;

  /** Available after `connect`. */
  abstract readonly claims: Claims;

  /**
   * Rejects with `STORAGE_UNSAFE` if files must not be kept, or deleted, in this folder. Creates nothing; a missing folder is
   * accepted. It comes before the store connects, so that no database is created in such a folder.
   */
  abstract inspect(): Promise<void>;

  /** Creates and marks the folder if it is missing or empty. Rejects with `STORAGE_UNSAFE` as `inspect` does. */
  abstract connect(store: StoreIdentity): Promise<void>;

  /**
   * Writes the store's generation and counter into the marker, so that a restored older copy of the store is recognized at
   * the next start. The first call must pass an identity that was read from the store after `connect` resolved: an earlier
   * one may be behind the marker although the store is not. If the store is behind the marker, or another store, the marker
   * stays as it is, and `room` answers `trusted: false`: no orphan is deleted.
   */
  abstract noteStore(store: StoreIdentity): Promise<void>;

  /**
   * An operator has confirmed that the files belong to this store, whatever the marker says. Files that none of its sessions
   * owns are orphans from then on.
   */
  abstract trust(store: StoreIdentity): Promise<void>;

  /** Free space, and whether new bytes are accepted. Costs a few system calls. */
  abstract room(): Promise<StorageRoom>;

  /** Deletes the ballast, so that the database beside it can write again. Repeating it does nothing. */
  abstract dropBallast(): Promise<void>;

  /** Writes the ballast if it is missing and there is enough free space; answers whether it exists now. */
  abstract restoreBallast(): Promise<boolean>;

  /** At most `most` entries with our names that other users may read or enter, or that belong to them. Follows no link. */
  abstract listExposed(most: number): Promise<ExposedEntry[]>;

  /** Takes the rights of other users from all such entries that belong to this user; answers how many. */
  abstract closeExposed(): Promise<number>;
}

export interface ExposedEntry {
  /** Relative to the root. */
  readonly name: string;
  /** In octal digits. */
  readonly mode: string;
  /** Whether it belongs to the user of this process. */
  readonly isOurs: boolean;
}

/**
 * Files that processes leave in their root, to detect clones: a process that does not see another's beacon has another root,
 * even with the same id.
 */
export interface RootBeacons {
  /** Leaves a new beacon and answers it. Processes repeat this: a clone has only the beacons of when it was made. */
  leave(processId: string): Promise<string>;

  /** Whether this beacon is in the root, which keeps the last two of each process. */
  sees(processId: string, beacon: string): Promise<boolean>;

  /** Removes all beacons of a process. Repeating it does nothing. */
  remove(processId: string): Promise<void>;

  /** Removes beacons older than a minute of all processes but these. */
  keepOnly(processIds: readonly string[]): Promise<void>;
}

export interface StorageRoom {
  readonly freeBytes: number;
  /** The size of the disk; `null` if there is none, or it does not answer. */
  readonly totalBytes: number | null;
  /** `Number.MAX_SAFE_INTEGER` if the file system has no fixed number of inodes. */
  readonly freeInodes: number;
  readonly ballast: boolean;
  /** Whether the marker is in place and names this store. */
  readonly trusted: boolean;
  /** Why new bytes are refused now; `null` if they are accepted. */
  readonly refusing: string | null;
  /** The same as a code. */
  readonly problem: StorageProblem | null;
}

/**
 * - `missing`: the folder is gone, or another has replaced it; nothing is deleted until it is back.
 * - `untrusted`: the files belong to another store, or to a later state of this one; no orphan is deleted.
 * - `full`, `read_only`: it accepts no bytes. `unavailable`: it does not answer.
 */
export type StorageProblem = 'missing' | 'untrusted' | 'full' | 'read_only' | 'unavailable';
