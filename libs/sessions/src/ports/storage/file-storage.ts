import type { Readable } from 'node:stream';

/**
 * Stores the files of resources in a `StorageRoot` or an object store, and is the only code that deletes files.
 *
 * Every storage promises between `connect` and `close`:
 * - Keys are ids, never paths: an id that is not a UUID rejects with `INVALID_ARGUMENT`.
 * - `read` finds a file only once its writer has finished; it is then complete and durable.
 * - Deleting a missing file succeeds. Entries with names that are not ours are counted, never touched.
 * - A full disk rejects with `STORAGE_FULL`, any other failure that a retry may overcome with `STORAGE_UNAVAILABLE`.
 */
export abstract class FileStorage {
  /** Prepares the storage. The core calls it after it has connected the `StorageRoot`. */
  abstract connect(): Promise<void>;

  /**
   * Stops background work, then closes connections and handles. Does nothing without `connect`, or when repeated. The next
   * `connect`, here or in another process, finds what is left in the trash.
   */
  abstract close(): Promise<void>;

  /** Begins a new file. Rejects with `STORAGE_FULL`, or `INVALID_ARGUMENT` if the key exists. */
  abstract create(key: FileKey): Promise<FileWriter>;

  /** Adopts a file that other code wrote into an allowed folder; any other path rejects with `FILE_NOT_ADOPTABLE`. */
  abstract adopt(key: FileKey, path: string): Promise<Adoption>;

  /**
   * Opens a finished file; deleting it later does not interrupt the read. `null` if there is none. Rejects with
   * `RANGE_NOT_SATISFIABLE` if the range begins past its end.
   */
  abstract read(key: FileKey, range?: ByteRange): Promise<Readable | null>;

  /**
   * Gives a finished file a second name, `path` on this disk; its bytes never change. `false`, and nothing is done, if that is impossible (as
   * always with an object store), if the file has one already, or there is no such file: copy what `read` answers then.
   */
  abstract link(key: FileKey, path: string): Promise<boolean>;

  /** Deletes a file, finished or not. Its writer cannot finish it any more. */
  abstract remove(key: FileKey): Promise<void>;

  /**
   * What a path in a storage of this kind, of this or another node, is the name of; `null` if our code makes no such name, as always
   * in an object store. Looks at no disk, and needs no `connect`.
   */
  abstract identify(path: string): StoredName | null;

  /**
   * Moves all files of a session to the trash. Answers the same ticket until `emptyTrash` has deleted them, also to another
   * process; `null` if the session has none, neither in place nor in the trash.
   */
  abstract discardSession(sessionId: string): Promise<TrashTicket | null>;

  /** Resolves after one attempt to delete the files of the ticket. */
  abstract emptyTrash(ticket: TrashTicket): Promise<TrashReport>;

  /** What is in the trash. */
  abstract listTrash(): Promise<TrashEntry[]>;

  /**
   * Scans all files in parts, and finds those that no session owns. It lists the names of a part, calls `known` with its
   * sessions, and inspects only files that are not among their resources. It yields parts in order, and lists a few ahead
   * at most. If `known` rejects, or answers for fewer sessions, the scan rejects and yields nothing more.
   */
  abstract scan(known: KnownResources): AsyncIterable<ScannedPart>;

  /** Deletes a file that `scan` found, if it is unchanged; answers whether it did. */
  abstract removeScanned(file: ScannedFile): Promise<boolean>;

  /** Deletes the folder of a session if it is empty and as old as the grace; answers whether it did. */
  abstract removeEmptyFolder(sessionId: string, graceMs: number): Promise<boolean>;
}

export interface FileKey {
  readonly sessionId: string;
  readonly resourceId: string;
}

/** What the name of a stored file, or of the folder of a session, tells. */
export interface StoredName {
  readonly sessionId: string;
  /** `null`: the folder of the session. */
  readonly resourceId: string | null;
  /** `partial`: a file that is being written; `trash`: what waits to be deleted. */
  readonly kind: 'stored' | 'partial' | 'trash';
}

/** First and last byte, both included, as in HTTP. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface FileWriter {
  /** Appends the chunks in order; resolves when the system has accepted all bytes. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Makes the file durable and visible; answers its size in bytes. */
  finish(): Promise<number>;
  /** Deletes the file. May be called at any time, also after `finish`. */
  abort(): Promise<void>;
}

export interface Adoption {
  readonly sizeBytes: number;
  /** Makes the file durable and visible under its key. The source still exists too. */
  place(): Promise<void>;
  /** Removes the source. */
  complete(): Promise<void>;
  /** Undoes the adoption: the source stays as it was. */
  abort(): Promise<void>;
}

/** Identifies one discarded session in the trash. */
export type TrashTicket = string;

export interface TrashEntry {
  readonly ticket: TrashTicket;
  readonly sessionId: string;
}

export interface TrashReport {
  /** Deleted by this attempt. */
  readonly files: number;
  readonly bytes: number;
  /** Why files are left: the system's code of the first failure; `null` if none is. */
  readonly failure: string | null;
}

/** Reads from the store, for each session in the given order, the packed ids of its resources (see `packIds`). */
export type KnownResources = (sessionIds: readonly string[]) => Promise<readonly string[]>;

/** The scan of some session folders. */
export interface ScannedPart {
  /** Number of files with names that are ours. Of known ones the scan reads nothing but the name. */
  readonly files: number;
  /** Entries with names that are not ours: counted, never touched. */
  readonly foreign: number;
  /** Files that are not a resource of their session. */
  readonly unknown: readonly ScannedFile[];
  /** Sessions whose folder is empty. */
  readonly empty: readonly string[];
}

/** A file with a name that is ours, with the facts that distinguish it from a later one of the same name. */
export interface ScannedFile {
  readonly sessionId: string;
  readonly resourceId: string;
  /** Whether it is being written, or its writer died. */
  readonly partial: boolean;
  readonly sizeBytes: number;
  /** The later of mtime and ctime, in epoch milliseconds of the system clock. */
  readonly changedAt: number;
  readonly inode: bigint;
}
