import { spawn, type ChildProcess } from 'node:child_process';
import { run } from '../disk/mounts.ts';
import { pause } from '../processes/scratch.ts';

const LONGEST_FREEZE_MS = 1500;
const LONGEST_PAUSE_MS = 2000;
/** Thaws the disk even if the campaign cannot any more: nothing that waits for a frozen one can be killed. */
const WATCHDOG_SECONDS = 10;

/** A disk that answers nobody for moments, again and again. */
export class SlowDisk {
  freezes = 0;
  private readonly root: string;
  private readonly random: () => number;
  private isOver = false;
  private working: Promise<void> | null = null;

  constructor(root: string, random: () => number) {
    this.root = root;
    this.random = random;
  }

  start(): void {
    this.working = this.work();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.working;
  }

  private async work(): Promise<void> {
    while (!this.isOver) {
      await pause(this.random() * LONGEST_PAUSE_MS);
      await this.freeze(this.random() * LONGEST_FREEZE_MS);
    }
  }

  private async freeze(ms: number): Promise<void> {
    const watchdog = this.watchdog();
    run('fsfreeze', ['-f', this.root]);
    try {
      this.freezes += 1;
      await pause(ms);
    } finally {
      run('fsfreeze', ['-u', this.root]);
      watchdog.kill();
    }
  }

  private watchdog(): ChildProcess {
    return spawn('sh', ['-c', `sleep ${WATCHDOG_SECONDS}; fsfreeze -u ${this.root}`], { stdio: 'ignore' });
  }
}
