import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CRASH_PLAN, NO_SYNC, type CrashPlan, type SlimMessage, type SlimPlan } from './slim-plan.ts';

/** From its start to the end of its first cleanup, a slim server takes about so long on two cores. */
export const BOOT_MS = 600;

const SERVER = new URL('slim-server.ts', import.meta.url);

export interface SlimStart extends SlimPlan {
  readonly crash?: CrashPlan;
  /** Where compiled code is kept from one process to the next. */
  readonly codeCache: string;
  readonly neverDurable?: boolean;
}

/** A slim server, seen from who starts and kills it. */
export class SlimProcess {
  readonly pid: number;
  /** Once its first cleanup is done: it waits to be told to go on; or once it is dead. */
  readonly recovered: Promise<'recovered' | 'dead'>;
  /** Once it is under load, or dead. */
  readonly loading: Promise<'loading' | 'dead'>;
  /** What one whole cleanup could not do. */
  failures: readonly string[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #errors = '';

  constructor({ crash, codeCache, neverDurable, ...plan }: SlimStart) {
    const env: NodeJS.ProcessEnv = { ...process.env, NODE_COMPILE_CACHE: codeCache };
    if (crash) env[CRASH_PLAN] = JSON.stringify(crash);
    if (neverDurable) env[NO_SYNC] = '1';
    this.#child = fork(SERVER, [JSON.stringify(plan)], { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    // It may die at any moment, also while it is being spoken to.
    this.#child.on('error', () => {});
    this.#exited = once(this.#child, 'close');
    this.pid = this.#child.pid ?? 0;
    this.recovered = this.#reach('recovered');
    this.loading = this.#reach('loading');
  }

  goOn(): void {
    if (this.#child.connected) this.#child.send('go on', () => {});
  }

  /** Resolves when it is dead; with what it died of, if that was not a SIGKILL. */
  async died(): Promise<string | null> {
    await this.#exited;
    if (this.#child.signalCode === 'SIGKILL') return null;
    return `${this.#child.signalCode ?? `exit code ${this.#child.exitCode}`}: ${this.#errors.slice(0, 2000)}`;
  }

  kill(): Promise<string | null> {
    this.#child.kill('SIGKILL');
    return this.died();
  }

  /** Stops all its threads, wherever they are; what they had asked of the disk is done first. */
  async freeze(): Promise<void> {
    this.#child.kill('SIGSTOP');
    while (!this.#isFrozen()) await sleep(1);
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  #reach<Stage extends SlimMessage['kind']>(stage: Stage): Promise<Stage | 'dead'> {
    return new Promise((resolve) => {
      this.#child.on('message', (message: SlimMessage) => {
        if (message.kind === 'recovered') this.failures = message.failures;
        if (message.kind === stage) resolve(stage);
      });
      void this.#exited.then(() => resolve('dead'));
    });
  }

  #isFrozen(): boolean {
    const tasks = `/proc/${this.pid}/task`;
    return readdirSync(tasks).every((task) => {
      // The state comes after the name, which may hold anything.
      const [, state] = /\) (\S)/.exec(readFileSync(`${tasks}/${task}/stat`, 'utf8')) ?? [];
      return state === 'T';
    });
  }
}
