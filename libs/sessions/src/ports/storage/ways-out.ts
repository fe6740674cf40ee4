import type { FileKey, FileStorage } from './file-storage.js';

/** The storage whose files leave it: linked if it can, else copied. */
export type StoredBytes = Pick<FileStorage, 'read' | 'link'>;

/** Gives stored files a path, for programs that need one. */
export interface LentFiles {
  /**
   * Gives a finished file a path on this disk until `takeBack`; `null` if there is no such file. Writing through the path never changes
   * what is stored: the file cannot be opened for writing there, or is a copy. The name ends in `extension`. Those who borrow one file at
   * a time may share a copy, never one that has been written to.
   */
  lend(source: StoredBytes, key: FileKey, name: LentName): Promise<LentFile | null>;

  /** All paths that are lent, by this process and others, also those that a crash left. */
  list(): Promise<LentEntry[]>;

  /** Removes a path that a dead process lent. Repeating it does nothing. */
  remove(entry: LentEntry): Promise<void>;
}

export interface LentName {
  /** The id of the process that lends it. */
  readonly owner: string;
  /** Letters and digits, without a dot. */
  readonly extension: string;
}

export interface LentFile {
  readonly path: string;
  /** Removes the path. Repeating it does nothing. */
  takeBack(): Promise<void>;
}

export interface LentEntry {
  readonly owner: string;
  readonly name: string;
}

/** Moves stored files into folders of the application. */
export interface Claims {
  /**
   * Begins to move a file to `path`: once this resolves, the whole file is durable on the target's file system, under a hidden name. Rejects
   * with `INVALID_ARGUMENT` if the path is not allowed, `FILE_EXISTS` if it exists, `RESOURCES_IN_USE` if the file is being claimed
   * already, `RESOURCE_GONE` if there is no such file; nothing is left then.
   */
  prepare(source: StoredBytes, key: FileKey, path: string, owner: string): Promise<Claim>;

  /** The claims that are neither complete nor aborted, those under way included. */
  list(): Promise<ClaimEntry[]>;

  /**
   * Takes over the claim of a dead process: answers it if the file has its path, and undoes it otherwise (`null`). Processes may do so at
   * the same time.
   */
  resume(entry: ClaimEntry): Promise<Claim | null>;
}

/** A file on its way out. After a crash, `Claims.resume` goes on from `place`. */
export interface Claim {
  /** Gives the file its path, durably and in one step. Rejects with `FILE_EXISTS` if there is one by now. */
  place(): Promise<void>;
  /** Removes all traces but the file at its path. Call it when the storage has removed its own. Repeating it does nothing. */
  complete(): Promise<void>;
  /** Undoes a claim that has no path yet. Repeating it does nothing. */
  abort(): Promise<void>;
}

export interface ClaimEntry extends FileKey {
  readonly owner: string;
}
