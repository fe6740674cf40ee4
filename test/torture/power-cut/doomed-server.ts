import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from '../slim/inspection.ts';
import { Ledger } from '../slim/ledger.ts';
import { adoptionFolder } from '../slim/load.ts';
import { slimConfig } from '../slim/slim-config.ts';
import { SlimProcess } from '../slim/slim-process.ts';
import { LoopDisk } from './loop-disk.ts';

/** Leases have run out by then, and the process that the cut has killed is silent. */
const AFTER_CUT_MS = 62_000;

export interface DoomedServerOptions {
  /** Where its disk is, and the copies of it. */
  readonly base: string;
  readonly random: () => number;
  readonly neverDurable: boolean;
}

/** A server on a disk of its own, whose power can be cut again and again: each time on a copy of the disk. */
export class DoomedServer {
  readonly #options: DoomedServerOptions;
  readonly #disk: LoopDisk;
  readonly #copy: LoopDisk;
  readonly #journal: string;
  readonly #ledger = new Ledger();
  #server: SlimProcess | null = null;

  constructor(options: DoomedServerOptions) {
    const { base } = options;
    this.#options = options;
    this.#disk = new LoopDisk(join(base, 'disk.img'), join(base, 'disk'));
    this.#copy = new LoopDisk(join(base, 'copy.img'), join(base, 'copy'));
    this.#journal = join(base, 'disk.journal');
  }

  start(): void {
    this.#disk.format();
    this.#disk.mount();
    this.#server = this.#startOn('disk', this.#options.neverDurable);
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
      this.#disk.copyTo(join(this.#options.base, 'copy.img'));
      return await this.#recover();
    } finally {
      server.thaw();
    }
  }

  async stop(): Promise<void> {
    await this.#server?.kill();
    this.#disk.unmount();
  }

  async #recover(): Promise<string[]> {
    const known = this.#ledger.fork();
    // Nobody has promised that the sources of adoptions are durable.
    known.sources.clear();
    this.#copy.mount();
    const survivor = this.#startOn('copy', false);
    try {
      if ((await survivor.recovered) === 'dead') {
        return [`the server does not come up: ${await survivor.died()}`];
      }
      known.follow(join(this.#options.base, 'copy.journal'));
      const root = join(this.#options.base, 'copy', 'root');
      return [...survivor.failures, ...inspect(root, known, slimConfig.limits)];
    } finally {
      await survivor.kill();
      this.#copy.unmount();
    }
  }

  #startOn(place: 'disk' | 'copy', neverDurable: boolean): SlimProcess {
    const { base, random } = this.#options;
    const folder = join(base, place, 'root');
    const journal = join(base, `${place}.journal`);
    rmSync(journal, { force: true });
    mkdirSync(adoptionFolder(folder), { recursive: true });
    return new SlimProcess({
      folder,
      journal,
      aheadMs: AFTER_CUT_MS,
      seed: Math.floor(random() * 2 ** 31),
      config: { ...slimConfig, storagePath: folder, adoptFrom: [adoptionFolder(folder)] },
      favour: null,
      codeCache: join(base, 'code'),
      neverDurable,
    });
  }

  #running(): SlimProcess {
    if (!this.#server) throw new Error('The server has not been started');
    return this.#server;
  }
}
