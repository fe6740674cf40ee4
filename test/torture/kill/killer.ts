import { setTimeout as sleep } from 'node:timers/promises';
import type { Lane } from '../slim/lane.ts';
import { BOOT_MS, type SlimProcess } from '../slim/slim-process.ts';
import { killCommand } from './command.ts';
import type { CommandPoint, CrashPoint } from './crash-points.ts';
import type { Job } from './jobs.ts';

const LOAD_MS = 120;
/** Under load, any point of it is passed within this. */
const POINT_WITHIN_MS = 3000;
const ATTEMPTS = 5;
/** A root is left for a new one after so many deaths. */
const DEATHS_PER_ROOT = 40;

/** Starts servers on one lane, and kills them. Each new one first has to have put right what the last one left. */
export class Killer {
  /** Servers killed, and commands. */
  kills = 0;
  commands = 0;
  /** The crash points that were met, each as often as it was. */
  readonly met: CrashPoint[] = [];
  readonly #lane: Lane;
  readonly #random: () => number;
  readonly #violation: (message: string) => void;
  #deaths = 0;
  #lastDeath = 'nothing';

  constructor(lane: Lane, random: () => number, violation: (message: string) => void) {
    this.#lane = lane;
    this.#random = random;
    this.#violation = violation;
  }

  /** Does the job; if it could not be done, what to do instead. */
  async do(job: Job): Promise<Job | null> {
    if (this.#deaths % DEATHS_PER_ROOT === 0) this.#begin();
    switch (job.kind) {
      case 'random':
        await this.#killAtRandom();
        return null;
      case 'point':
        return this.#killAt(job.point, job.attempt);
      case 'command':
        await this.#killCommand(job.point);
        return null;
    }
  }

  /** What the last one left is put right too. */
  async finish(): Promise<void> {
    const server = this.#lane.start();
    await this.#recover(server);
    await server.kill();
  }

  #begin(): void {
    this.#lane.begin();
    this.#lastDeath = 'nothing';
  }

  async #killAtRandom(): Promise<void> {
    const server = this.#lane.start();
    if (this.#random() < 0.15) {
      const afterMs = this.#random() * BOOT_MS;
      await sleep(afterMs);
      await this.#bury(server.kill(), `a kill ${Math.round(afterMs)} ms after the start`);
    } else if (await this.#load(server)) {
      const afterMs = this.#random() * LOAD_MS;
      await sleep(afterMs);
      await this.#bury(server.kill(), `a kill ${Math.round(afterMs)} ms into the load`);
    }
  }

  async #killAt(point: CrashPoint, attempt: number): Promise<Job | null> {
    const { name, only, favour } = point;
    if (only === 'first boot') this.#begin();
    const armed = only !== undefined || (attempt === 1 && this.#random() < 0.2) ? 'boot' : 'load';
    const nth = attempt > 1 || armed === 'boot' ? 1 : 1 + Math.floor(this.#random() * 3);
    const server = this.#lane.start({ crash: { point: name, nth, armed }, favour });
    const isAlive = await this.#load(server, armed === 'boot');
    if (isAlive && !(await this.#diesBySelf(server))) {
      await this.#bury(server.kill(), `a kill under load`);
      if (attempt < ATTEMPTS) return { kind: 'point', point, attempt: attempt + 1 };
      this.#violation(`the crash point "${name}" was not met in ${ATTEMPTS} attempts`);
      return null;
    }
    await this.#bury(server.died(), `a kill ${name}`);
    this.met.push(point);
    return null;
  }

  async #diesBySelf(server: SlimProcess): Promise<boolean> {
    return Promise.race([server.died().then(() => true), sleep(POINT_WITHIN_MS, false)]);
  }

  async #killCommand(point: CommandPoint | null): Promise<void> {
    const server = this.#lane.start();
    if (!(await this.#load(server))) return;
    await sleep(this.#random() * LOAD_MS);
    await this.#bury(server.kill(), 'a kill under load');
    const { told, killed, fault } = await killCommand(this.#lane, point, this.#random);
    if (fault !== null) this.#violation(`after ${this.#lastDeath}: ${told}: ${fault}`);
    this.#lastDeath = `${this.#lastDeath}, then ${told}`;
    if (killed) this.commands += 1;
  }

  /** Whether it came so far; otherwise it is dead and buried. */
  async #load(server: SlimProcess, mayDieEarly = false): Promise<boolean> {
    if (!(await this.#recover(server, mayDieEarly))) return false;
    server.goOn();
    return (await server.loading) === 'loading';
  }

  async #recover(server: SlimProcess, mayDieEarly = false): Promise<boolean> {
    if ((await server.recovered) === 'recovered') {
      this.#lane.inspect(server, `after ${this.#lastDeath}`);
      return true;
    }
    const reason = await server.died();
    if (reason !== null || !mayDieEarly) {
      this.#violation(`after ${this.#lastDeath}: the server did not come up again: ${reason ?? 'killed'}`);
      this.#begin();
    }
    return false;
  }

  async #bury(death: Promise<string | null>, told: string): Promise<void> {
    const reason = await death;
    if (reason !== null) this.#violation(`${told}: the server had died by itself: ${reason}`);
    this.kills += 1;
    this.#deaths += 1;
    this.#lastDeath = told;
  }
}
