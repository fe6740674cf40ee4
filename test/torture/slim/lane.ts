import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionsConfig } from '#sessions/core/config/config';
import { inspect } from './inspection.ts';
import { Ledger } from './ledger.ts';
import { adoptionFolder, claimFolders } from './load.ts';
import type { Action, CrashPlan } from './slim-plan.ts';
import { SlimProcess } from './slim-process.ts';

export interface LaneOptions {
  /** Where its folders are made; it is not removed. */
  readonly base: string;
  readonly name: string;
  /** The configuration, but for the paths. */
  readonly config: SessionsConfig;
  readonly random: () => number;
  readonly violation: (message: string) => void;
}

/** Passes between a death and the next start: the leases of the dead one have run out, and its heart is silent. */
const AFTER_DEATH_MS = 62_000;

/** One storage root, and the servers that live on it one after the other. */
export class Lane {
  #root = '';
  #ledger = new Ledger();
  #roots = 0;
  readonly #options: LaneOptions;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.begin();
  }

  get root(): string {
    return this.#root;
  }

  get ledger(): Ledger {
    return this.#ledger;
  }

  get journal(): string {
    return `${this.#root}.journal`;
  }

  /** Goes on with a new, empty root. */
  begin(): void {
    this.remove();
    this.#roots += 1;
    this.#root = join(this.#options.base, `${this.#options.name}-${this.#roots}`);
    this.#ledger = new Ledger();
    for (const folder of [adoptionFolder(this.#root), ...claimFolders(this.#root)]) mkdirSync(folder);
  }

  remove(): void {
    if (this.#root === '') return;
    const folders = [adoptionFolder(this.#root), ...claimFolders(this.#root)];
    for (const path of [this.#root, this.journal, ...folders]) {
      rmSync(path, { recursive: true, force: true });
    }
  }

  start({ crash, favour = null }: { crash?: CrashPlan; favour?: Action | null } = {}): SlimProcess {
    const { base, config, random } = this.#options;
    return new SlimProcess({
      folder: this.#root,
      journal: this.journal,
      aheadMs: AFTER_DEATH_MS,
      seed: Math.floor(random() * 2 ** 31),
      config: {
        ...config,
        storagePath: this.#root,
        adoptFrom: [adoptionFolder(this.#root)],
        claimTo: claimFolders(this.#root),
      },
      favour,
      codeCache: join(base, 'code'),
      ...(crash && { crash }),
    });
  }

  /** Looks at what a server that has recovered has made of what the ones before it left. */
  inspect(server: SlimProcess, after: string): void {
    this.#ledger.follow(this.journal);
    const { config } = this.#options;
    const faults = [
      ...server.failures,
      ...inspect(this.#root, this.#ledger, config.limits, claimFolders(this.#root)),
    ];
    for (const fault of faults) this.#options.violation(`${after}: ${fault}`);
  }
}
