/** One promise put to the test under attack: many tries, and not one may break it. */
export interface Campaign {
  readonly name: string;
  /** What is promised, in a line. */
  readonly title: string;
  /** Tries of a full run. */
  readonly goal: number;
  /** Tries of the short form, which `npm test` runs: a few seconds' worth. */
  readonly short: number;
  run(context: CampaignContext): Promise<CampaignResult>;
}

export interface CampaignContext {
  readonly count: number;
  readonly seed: number;
  /** In [0, 1), the same sequence for the same seed. */
  readonly random: () => number;
  /** A broken promise: the run fails, and goes on. */
  readonly violation: (message: string) => void;
  /** Tells, once a minute, how far it has come. */
  readonly progress: (done: number, of: number) => void;
  /** A figure worth a line beneath the table. */
  readonly note: (message: string) => void;
}

export interface CampaignResult {
  readonly tried: number;
}
