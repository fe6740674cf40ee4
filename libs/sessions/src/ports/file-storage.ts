import type { Readable } from 'node:stream';
import type { StoreIdentity } from './session-store.js';

/**
 * Keeps the bytes of resources, and is the only part that deletes files. Keys are ids, never paths.
 *
 * What every storage promises:
 * - A file is visible to `read` only when its writer has finished, and then whole and durable.
 * - Deleting what is not there succeeds. Whatever is not ours is left alone, and counted.
 * - No room left: `STORAGE_FULL`. Anything else that a retry may heal: `STORAGE_UNAVAILABLE`.
 */
export abstract class FileStorage {
  /** A fixed word for logs and metrics: `local`. */
  abstract readonly kind: string;

  /** UUID of the storage root; known once connected. */
  abstract readonly rootId: string;

  /**
   * Rejects with `STORAGE_UNSAFE` where what is there now is no place to keep, or to delete, files in. Makes nothing, so
   * that a store, too, is never made in such a place: to be called before either is connected.
   */
  async inspect(): Promise<void> {}

  /** Checks and marks the root. Rejects with `STORAGE_UNSAFE` where it is no place to keep, or to delete, files in. */
  abstract connect(store: StoreIdentity): Promise<void>;

  /** Lets everything go; what is in the trash stays for the next one. */
  abstract close(): Promise<void>;

  /**
   * Keeps the store's history in the marker, so that a store which is behind it is noticed. To be called once right after
   * `connect`, with an identity read after it: that settles whether a store that looked behind is, or was read too early.
   */
  abstract noteStore(store: StoreIdentity): Promise<void>;

  /**
   * An operator has looked: from now on the files belong to this store, whatever was noted of another or of a later
   * state. What no session of it owns is an orphan then.
   */
  abstract trust(store: StoreIdentity): Promise<void>;

  /**
   * Leaves a sign of a process in the root, and answers it: who does not find it there has another root, be it a copy with
   * the same `rootId`. To be left anew now and then, since a copy holds the signs of its time. `null`: there is nothing that
   * could be copied.
   */
  async leaveSign(_processId: string): Promise<string | null> {
    return null;
  }

  /** Whether this sign of a process is in the root. */
  async seesSign(_processId: string, _sign: string): Promise<boolean> {
    return true;
  }

  /** Removes the signs of a process that is no more. */
  async removeSigns(_processId: string): Promise<void> {}

  /** Removes the signs of all processes but these, as far as they are not of this minute. */
  async keepSigns(_processIds: readonly string[]): Promise<void> {}

  /** Begins a new file. Rejects if there is no room, or if the key is taken. */
  abstract create(key: FileKey): Promise<FileWriter>;

  /** Takes over a file that something else wrote, from an allowed folder. `FILE_NOT_ADOPTABLE` for anything else. */
  abstract adopt(key: FileKey, path: string): Promise<Adoption>;

  /**
   * Opens a finished file at once: deleting it later does not cut the read off. `null` where there is none;
   * `RANGE_NOT_SATISFIABLE` where the range begins past its end.
   */
  abstract read(key: FileKey, range?: ByteRange): Promise<Readable | null>;

  /** Deletes a file, finished or not. */
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

  /** How much room there is, and whether new bytes are taken. Costs a few system calls. */
  abstract room(): Promise<StorageRoom>;

  /** Frees the ballast, so that the store beside it can write again. Repeating it does nothing. */
  abstract dropBallast(): Promise<void>;

  /** Makes the ballast again where it is missing and there is room; whether it is there now. */
  abstract restoreBallast(): Promise<boolean>;
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

export interface StorageRoom {
  readonly freeBytes: number;
  readonly freeInodes: number;
  readonly ballast: boolean;
  /** Whether the marker is in its place and the store is the one it names. */
  readonly trusted: boolean;
  /** Why new bytes are refused now; `null` while they are taken. */
  readonly refusing: string | null;
  /** The same in one word. */
  readonly problem: StorageProblem | null;
}

/**
 * - `missing`: the place of the files is gone, or another is there instead; nothing is deleted until it is back.
 * - `untrusted`: the files belong to another store, or to a later state of this one; no orphan is deleted.
 * - `full`, `read_only`: it takes no bytes. `unavailable`: it cannot be asked.
 */
export type StorageProblem = 'missing' | 'untrusted' | 'full' | 'read_only' | 'unavailable';
