import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from '../slim/inspection.ts';
import { Ledger } from '../slim/ledger.ts';
import { adoptionFolder } from '../slim/load.ts';
import { slimConfig } from '../slim/slim-config.ts';
import { SlimProcess } from '../slim/slim-process.ts';
import { LoopDisk } from './loop-disk.ts';

/** Leases have run out by then, and the process that the cut has killed is silent. */
const AFTER_CUT_MS = 62_000;
/** The share of servers that claim files more often than anything else. */
const CLAIMING = 0.5;

interface DiskWithCopy {
  readonly disk: LoopDisk;
  /** What has reached the disk, at the same place. */
  readonly copy: LoopDisk;
  readonly image: string;
}

export interface DoomedServerOptions {
  /** Where its disk is, and the copies of it. */
  readonly base: string;
  readonly random: () => number;
  readonly neverDurable: boolean;
}

/**
 * A server on a disk of its own, with another one that files are claimed to, whose power can be cut again and again: each time on copies of
 * the disks. They are mounted over the disks, as the notes of claims hold paths; what is open on the frozen server stays below.
 */
export class DoomedServer {
  readonly #options: DoomedServerOptions;
  readonly #disks: readonly DiskWithCopy[];
  /** Where files are claimed to: beside the storage root, and on the other disk. */
  readonly #claimFolders: readonly string[];
  readonly #journal: string;
  readonly #ledger = new Ledger();
  #server: SlimProcess | null = null;

  constructor(options: DoomedServerOptions) {
    const { base } = options;
    this.#options = options;
    this.#disks = ['disk', 'other'].map((name) => {
      const [place, image] = [join(base, name), join(base, `${name}-copy.img`)];
      return {
        disk: new LoopDisk(join(base, `${name}.img`), place),
        copy: new LoopDisk(image, place),
        image,
      };
    });
    this.#claimFolders = [join(base, 'disk', 'claimed'), join(base, 'other', 'claimed')];
    this.#journal = join(base, 'server.journal');
  }

  start(): void {
    for (const { disk } of this.#disks) {
      disk.format();
      disk.mount();
    }
    for (const folder of this.#claimFolders) mkdirSync(folder);
    this.#server = this.#startAs('server', this.#options.neverDurable);
  }

  /** Resolves once it is under load. */
  async load(): Promise<void> {
    const server = this.#running();
    if ((await server.recovered) === 'dead') throw new Error(`The server died: ${await server.died()}`);
    server.goOn();
    await server.loading;
  }

  /** What would be wrong if the power went away now, came back, and a server did its first cleanup. */
  async cutPower(): Promise<string[]> {
    const server = this.#running();
    await server.freeze();
    try {
      this.#ledger.follow(this.#journal);
      for (const { disk, image } of this.#disks) disk.copyTo(image);
      return await this.#recover();
    } finally {
      server.thaw();
    }
  }

  /** Claims that had their paths before the last cut: each was looked for. */
  get claims(): number {
    return [...this.#ledger.claims.values()].filter(({ isPlaced }) => isPlaced).length;
  }

  async stop(): Promise<void> {
    await this.#server?.kill();
    for (const { disk } of this.#disks) disk.unmount();
  }

  async #recover(): Promise<string[]> {
    const known = this.#ledger.fork();
    // Nobody has promised that the sources of adoptions are durable.
    known.sources.clear();
    let survivor: SlimProcess | null = null;
    try {
      for (const { copy } of this.#disks) copy.mount();
      survivor = this.#startAs('survivor', false);
      if ((await survivor.recovered) === 'dead') {
        return [`the server does not come up: ${await survivor.died()}`];
      }
      known.follow(join(this.#options.base, 'survivor.journal'));
      return [
        ...survivor.failures,
        ...inspect(this.#root, known, slimConfig.limits, this.#claimFolders.filter(existsSync)),
      ];
    } finally {
      await survivor?.kill();
      for (const { copy } of this.#disks) copy.unmount();
    }
  }

  #startAs(name: 'server' | 'survivor', neverDurable: boolean): SlimProcess {
    const { base, random } = this.#options;
    const folder = this.#root;
    const journal = join(base, `${name}.journal`);
    rmSync(journal, { force: true });
    mkdirSync(adoptionFolder(folder), { recursive: true });
    return new SlimProcess({
      folder,
      journal,
      aheadMs: AFTER_CUT_MS,
      seed: Math.floor(random() * 2 ** 31),
      config: {
        ...slimConfig,
        storagePath: folder,
        adoptFrom: [adoptionFolder(folder)],
        claimTo: this.#claimFolders,
      },
      favour: random() < CLAIMING ? 'claim' : null,
      codeCache: join(base, 'code'),
      neverDurable,
    });
  }

  get #root(): string {
    return join(this.#options.base, 'disk', 'root');
  }

  #running(): SlimProcess {
    if (!this.#server) throw new Error('The server has not been started');
    return this.#server;
  }
}
