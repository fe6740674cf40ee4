import type { ClockAnchor, ClockReading } from './clock.js';
import type { Released } from './endings.js';

/** The processes on this store, the nodes that they keep files on, and the clock that they share. */
export abstract class FleetGroup {
  /**
   * The anchor of this boot: `reading` itself where the store had none for its `bootId`, the one kept there otherwise. A
   * store with a clock of its own answers with its wall time at the moment of `reading`, whatever the boot.
   */
  abstract anchorClock(reading: ClockReading): Promise<ClockAnchor>;

  /** Says that a process lives, and its node with it. */
  abstract heartbeat(beat: Heartbeat): Promise<void>;

  abstract listProcesses(): Promise<Heartbeat[]>;

  /**
   * Strikes a process off, if its last heartbeat still is at or before `silentSince`: its uses are void, and what it
   * was writing and its streams are marked `releasing`, `freed`, and free to be leased. Whether it did.
   */
  abstract dropProcess(processId: string, silentSince: number): Promise<boolean>;

  /** Every node that was ever heard of and is not forgotten, in the order of the ids. */
  abstract listNodes(): Promise<NodeRecord[]>;

  /**
   * Gives up a node that will not return, if it was last seen at or before `silentSince`: the records of what it held are
   * dropped, and ends that waited for nothing else are finished. Answers what it dropped of settled files; `null` where
   * there is no such node, or it was seen since. A store that fails on the way may be asked again.
   */
  abstract forgetNode(nodeId: string, silentSince: number, at: number): Promise<Released | null>;
}

export interface Heartbeat {
  readonly processId: string;
  readonly role: 'server' | 'cli';
  readonly at: number;
  /** Every touch that this process took before this instant is in the store. */
  readonly flushedThroughAt: number;
  /** The UUID of the storage root that it keeps files in. */
  readonly nodeId: string;
  /** Where other nodes send clients that want a file of this one: `https://a.example.com`. `null` where nowhere. */
  readonly address: string | null;
  /** The latest beacon of the process in its storage root (see `RootBeacons`); `null` if it could leave none. */
  readonly beacon: string | null;
}

/** A storage root, by its UUID, that processes on this store keep files in. */
export interface NodeRecord {
  readonly nodeId: string;
  /** As its servers said last; a command says none. */
  readonly address: string | null;
  /** The latest heartbeat of any of its processes. */
  readonly lastSeenAt: number;
  /** How many files it holds, whatever their state. */
  readonly resources: number;
}
