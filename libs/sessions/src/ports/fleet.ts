import type { ResourceRecord } from '../domain/resource.js';
import type { Released } from './endings.js';

/** Tracks the processes on this store and the nodes of their files. */
export abstract class FleetGroup {
  /**
   * Records that a process and its node are alive. Answers whether the store listed the process: `false` for the first, and
   * for the next one after `dropProcess`, which ended what the process held.
   */
  abstract heartbeat(beat: Heartbeat): Promise<boolean>;

  /** The latest heartbeat of each process that was not dropped. */
  abstract listProcesses(): Promise<Heartbeat[]>;

  /**
   * Drops a process if its last heartbeat is at or before `silentSince`; answers whether it did. That ends its uses; its
   * streams, and its files that are not placed, become `releasing`, and can be leased.
   */
  abstract dropProcess(processId: string, silentSince: number): Promise<boolean>;

  /**
   * What a process is bringing in or streams: its files that are not placed, and its streams, unless `releasing`; oldest first.
   */
  abstract listHeld(processId: string): Promise<ResourceRecord[]>;

  /** All nodes that any process has used, except forgotten ones, sorted by id. */
  abstract listNodes(): Promise<NodeRecord[]>;

  /**
   * Gives up a node that will not return, if it was last seen at or before `silentSince`: drops the records of its files,
   * and finishes ends that waited for no other. Its files count as released, their bytes do not: nobody deleted them.
   * Answers the complete files that it dropped; `null` if there is no such node, or it was seen since. May be repeated after
   * a failure.
   */
  abstract forgetNode(nodeId: string, silentSince: number, at: number): Promise<Released | null>;
}

/** A command of the command line is `cli`. */
export const PROCESS_ROLES = ['server', 'cli'] as const;
export type ProcessRole = (typeof PROCESS_ROLES)[number];

export interface Heartbeat {
  readonly processId: string;
  readonly role: ProcessRole;
  /** Name of its machine, and its number there: they tell an operator which process it is. */
  readonly host: string;
  readonly pid: number;
  readonly at: number;
  /** All touches of this process before this instant are in the store. */
  readonly flushedThroughAt: number;
  /** The UUID of its storage root. */
  readonly nodeId: string;
  /** Origin to which other nodes send clients for files of this one: `https://a.example.com`; `null` for none. */
  readonly address: string | null;
  /** The latest beacon of the process in its storage root (see `RootBeacons`); `null` if it could leave none. */
  readonly beacon: string | null;
  /** The ids of the keys that seal its tokens, in the order of the option `keys`; none without that option. */
  readonly keyIds: readonly string[];
  /** Version of its nest-sessions; `unknown` if it was bundled into another program. */
  readonly version: string;
  /** Its first heartbeat. */
  readonly startedAt: number;
  /** As configured there. */
  readonly limits: ProcessLimits;
  /** As it was some seconds before; `null` for commands, and for files in memory. */
  readonly disk: DiskSpace | null;
}

/** Limits that operators ask a process for. */
export interface ProcessLimits {
  readonly maxDurationMs: number;
  readonly maxIdleMs: number;
  readonly maxResources: number;
  readonly maxBytes: number;
  readonly maxSessions: number;
  readonly cleanupIntervalMs: number;
}

/** The disk of a storage root. */
export interface DiskSpace {
  /** What this user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** `null` if the file system has no fixed number of inodes. */
  readonly freeInodes: number | null;
}

/** A storage root, identified by its UUID, that processes on this store use. */
export interface NodeRecord {
  readonly nodeId: string;
  /** From the latest heartbeat of a server: commands have none. */
  readonly address: string | null;
  /** The latest heartbeat of any of its processes. */
  readonly lastSeenAt: number;
  /** Number of its files, in any state. */
  readonly resources: number;
}
