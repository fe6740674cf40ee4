import type { Readable } from 'node:stream';

/**
 * Keeps the bytes of resources, and is the only part that deletes files: in a `StorageRoot`, or in an object store.
 *
 * What every storage promises between `connect` and `close`:
 * - Keys are ids, never paths. An id that is not a UUID: `INVALID_ARGUMENT`.
 * - A file is visible to `read` only when its writer has finished, and then whole and durable.
 * - Deleting what is not there succeeds. Whatever is not ours is left alone, and counted.
 * - No room left: `STORAGE_FULL`. Anything else that a retry may heal: `STORAGE_UNAVAILABLE`.
 */
export abstract class FileStorage {
  /** Makes the storage ready. The core calls it after it has connected the `StorageRoot`. */
  abstract connect(): Promise<void>;

  /**
   * Closes connections and handles, and stops background work; repeating it does nothing, nor does it without `connect`. What
   * is left in the trash is deleted after the next `connect`, here or in another process.
   */
  abstract close(): Promise<void>;

  /** Begins a new file. `STORAGE_FULL` without room; `INVALID_ARGUMENT` if the key is taken. */
  abstract create(key: FileKey): Promise<FileWriter>;

  /** Takes over a file that something else wrote, from an allowed folder. `FILE_NOT_ADOPTABLE` for anything else. */
  abstract adopt(key: FileKey, path: string): Promise<Adoption>;

  /**
   * Opens a finished file at once: deleting it later does not cut the read off. `null` where there is none;
   * `RANGE_NOT_SATISFIABLE` where the range begins past its end.
   */
  abstract read(key: FileKey, range?: ByteRange): Promise<Readable | null>;

  /** Deletes a file, finished or not. Its writer cannot finish it any more. */
  abstract remove(key: FileKey): Promise<void>;

  /** Takes all files of a session out of reach at once; they are deleted in the background. `null` if it had none. */
  abstract discardSession(sessionId: string): Promise<TrashTicket | null>;

  /** Resolves when what the ticket stands for is deleted; without one, when the trash has been tried once, whole. */
  abstract emptyTrash(ticket?: TrashTicket): Promise<TrashReport>;

  /**
   * Goes through all files under our names, a part at a time, and finds those that no session owns. Names come first: once a
   * part is listed, `known` is asked for the resources of its sessions, and only what is not among them is looked at
   * closer. Parts are handed out in order, and listed no more than a few ahead. Where `known` rejects, or answers for fewer
   * sessions than it was asked for, the scan rejects, and nothing more is found.
   */
  abstract scan(known: KnownResources): AsyncIterable<ScannedPart>;

  /** Deletes a file that was found by `scan`, if it still is the very same; whether it did. */
  abstract removeScanned(file: ScannedFile): Promise<boolean>;

  /** Deletes the folder of a session if it is empty and as old as the grace; whether it did. */
  abstract removeEmptyFolder(sessionId: string, graceMs: number): Promise<boolean>;
}

export interface FileKey {
  readonly sessionId: string;
  readonly resourceId: string;
}

/** First and last byte, both included, as in HTTP. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface FileWriter {
  /** Appends them in their order; resolves when all bytes are handed to the system. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Makes the file durable and visible; its size in bytes. */
  finish(): Promise<number>;
  /** Gives up: nothing of it stays. May be called at any time, also after `finish`. */
  abort(): Promise<void>;
}

export interface Adoption {
  readonly sizeBytes: number;
  /** The file is ours and durable; its source is still there too. */
  place(): Promise<void>;
  /** Removes the source: from now on there is one. */
  complete(): Promise<void>;
  /** Gives up: the source stays as it was. */
  abort(): Promise<void>;
}

/** Names one discarded session in the trash. */
export type TrashTicket = string;

export interface TrashReport {
  readonly files: number;
  readonly bytes: number;
  /** Entries that could not be deleted yet; they are tried again, later and later. */
  readonly failures: number;
  /** Entries that failed five times or more. */
  readonly stuck: number;
}

/** What the store has of some sessions: for each, in the same order, the packed ids of its resources (see `packIds`). */
export type KnownResources = (sessionIds: readonly string[]) => Promise<readonly string[]>;

/** What was found in some folders of sessions. */
export interface ScannedPart {
  /** How many files there are under our names. Of those that are known, the name is all that was looked at. */
  readonly files: number;
  /** Entries that are not ours: counted, never touched. */
  readonly foreign: number;
  /** Files that are no resource of their session. */
  readonly unknown: readonly ScannedFile[];
  /** Sessions whose folder holds nothing. */
  readonly empty: readonly string[];
}

/** A file under our names, with what tells it from another that takes its place. */
export interface ScannedFile {
  readonly sessionId: string;
  readonly resourceId: string;
  /** Being written, or left so. */
  readonly partial: boolean;
  readonly sizeBytes: number;
  /** The later of its two times: contents changed, or moved. Epoch milliseconds of the machine's own clock. */
  readonly changedAt: number;
  readonly inode: bigint;
}
