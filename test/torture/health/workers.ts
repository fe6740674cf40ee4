import { Child } from '../processes/child.ts';
import { pause } from '../processes/scratch.ts';
import { Visitor } from '../processes/visitor.ts';
import type { ServerSetUp } from '../processes/nest-server.ts';

const SERVER = new URL('../processes/nest-server.ts', import.meta.url);
const LONGEST_LIFE_MS = 15_000;

/** A server of the campaign, or the one that took its place. */
interface Worker {
  child: Child;
  port: number;
}

/** Servers on one store, of which one is killed now and then, and another is started in its place. */
export class Workers {
  kills = 0;
  private readonly setUp: ServerSetUp;
  private readonly random: () => number;
  private readonly workers: Worker[] = [];
  private isOver = false;
  private killing: Promise<void> | null = null;

  constructor(setUp: ServerSetUp, random: () => number) {
    this.setUp = setUp;
    this.random = random;
  }

  async start(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) this.workers.push(await this.startOne());
  }

  startKilling(): void {
    this.killing = this.killNowAndThen();
  }

  /** The status of each that answers: one that is being killed or started does not. */
  async statuses(): Promise<string[]> {
    const asked = this.workers.map(({ child }) => child.ask<string>('health').catch(() => null));
    return (await Promise.all(asked)).filter((status) => status !== null);
  }

  /** A client of any of them. */
  visitor(address: string, former?: Visitor): Visitor {
    const worker = this.workers[Math.floor(this.random() * this.workers.length)];
    const port = worker?.port ?? 0;
    return former ? former.at(port) : new Visitor(port, address);
  }

  async stopKilling(): Promise<void> {
    this.isOver = true;
    await this.killing;
  }

  async stop(): Promise<void> {
    await this.stopKilling();
    for (const { child } of this.workers) await child.kill();
  }

  private async killNowAndThen(): Promise<void> {
    while (!this.isOver) {
      const until = performance.now() + 1000 + this.random() * LONGEST_LIFE_MS;
      while (performance.now() < until && !this.isOver) await pause(100);
      if (this.isOver) return;
      const index = Math.floor(this.random() * this.workers.length);
      await this.workers[index]?.child.kill();
      this.kills += 1;
      this.workers[index] = await this.startOne();
    }
  }

  private async startOne(): Promise<Worker> {
    const child = await Child.start(SERVER, this.setUp);
    return { child, port: await child.ask<number>('port') };
  }
}
