import { Child } from '../processes/child.ts';
import type { ServerSetUp } from '../processes/nest-server.ts';

const TRIES = 5;
const PROGRAM = new URL('../processes/nest-server.ts', import.meta.url);

/** A server on a machine of its own: what lies in its storage folder outlives its process. */
export class NodeServer {
  readonly name: string;
  readonly root: string;
  port = 0;
  isUp = false;
  /** How many processes it has had: another number, another process. */
  incarnation = 0;
  private readonly setUp: ServerSetUp;
  private process: Child | undefined;

  constructor(name: string, root: string, { adapter, options }: ServerSetUp) {
    this.name = name;
    this.root = root;
    this.setUp = { adapter, options: { ...options, storagePath: root } };
  }

  get child(): Child {
    if (!this.process) throw new Error(`The server ${this.name} was never started`);
    return this.process;
  }

  /** As a supervisor does it: a process that could not reach the store is followed by another one. */
  async start(): Promise<void> {
    this.process = await this.started(TRIES);
    this.port = await this.process.ask<number>('port');
    this.incarnation += 1;
    this.isUp = true;
  }

  private async started(tries: number): Promise<Child> {
    try {
      return await Child.start(PROGRAM, this.setUp);
    } catch (error) {
      if (tries === 1 || !String(error).includes('Redis')) throw error;
      return this.started(tries - 1);
    }
  }

  /** As a crash does it: without a word. */
  async kill(): Promise<void> {
    this.isUp = false;
    await this.process?.kill();
  }
}
