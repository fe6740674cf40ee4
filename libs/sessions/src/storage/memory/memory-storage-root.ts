import { randomUUID } from 'node:crypto';
import { MemoryClaims } from './memory-claims.js';
import { MemoryLentFiles } from './memory-lent-files.js';
import {
  StorageRoot,
  type ExposedEntry,
  type RootBeacons,
  type StorageRoom,
} from '../../ports/storage/storage-root.js';

export interface MemoryStorageRootOptions {
  /** Folders that files may be claimed to. Default: any. */
  readonly claimTo?: readonly string[];
}

/** The storage root for files in memory, for tests and on Windows: always trusted, never full. */
export class MemoryStorageRoot extends StorageRoot {
  readonly id = randomUUID();
  readonly beacons: RootBeacons = new MemoryRootBeacons();
  readonly lentFiles = new MemoryLentFiles();
  readonly claims: MemoryClaims;

  constructor({ claimTo }: MemoryStorageRootOptions = {}) {
    super();
    this.claims = new MemoryClaims(claimTo);
  }

  async inspect(): Promise<void> {}

  async connect(): Promise<void> {}

  async noteStore(): Promise<void> {}

  async trust(): Promise<void> {}

  async room(): Promise<StorageRoom> {
    return {
      freeBytes: Number.MAX_SAFE_INTEGER,
      totalBytes: null,
      freeInodes: Number.MAX_SAFE_INTEGER,
      ballast: true,
      trusted: true,
      refusing: null,
      problem: null,
    };
  }

  async dropBallast(): Promise<void> {}

  async restoreBallast(): Promise<boolean> {
    return true;
  }

  /** Memory is of this process alone. */
  async listExposed(): Promise<ExposedEntry[]> {
    return [];
  }

  async closeExposed(): Promise<number> {
    return 0;
  }
}

class MemoryRootBeacons implements RootBeacons {
  /** The last two beacons of each process. */
  private readonly left = new Map<string, readonly string[]>();

  async leave(processId: string): Promise<string> {
    const beacon = randomUUID();
    this.left.set(processId, [...(this.left.get(processId) ?? []).slice(-1), beacon]);
    return beacon;
  }

  async sees(processId: string, beacon: string): Promise<boolean> {
    return this.left.get(processId)?.includes(beacon) ?? false;
  }

  async remove(processId: string): Promise<void> {
    this.left.delete(processId);
  }

  /** Does nothing: beacons disappear with the memory of their process. */
  async keepOnly(): Promise<void> {}
}
