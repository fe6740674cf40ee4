/** What a server of the crowd's is started with. */
export interface CleaningSetUp {
  readonly url: string;
  readonly storagePath: string;
  readonly minFreeBytes: number;
}

/** What a server of the crowd's did in one cleanup. */
export interface Cleaned {
  /** The sessions that it said it ended, in the order of saying. */
  readonly ended: readonly string[];
  readonly items: number;
  readonly failures: number;
  readonly lastError: string | null;
  readonly ms: number;
  /** How long its event loop was held, by 99 of 100 looks, and at most. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly cpuMs: number;
}
