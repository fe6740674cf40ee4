import { Presets, SingleBar } from 'cli-progress';

/** A progress bar on stderr. A cleanup shorter than half a second shows none. */
export class CleanupProgress {
  private readonly startedAt = performance.now();
  private bar: SingleBar | null = null;
  private job: string | null = null;

  /** `due`: how many items the job has, as far as that is known. */
  show(job: string, items: number, due = 0): void {
    if (performance.now() - this.startedAt < SHOWN_AFTER_MS) return;
    const total = Math.max(due, items);
    if (this.bar === null || this.job !== job) this.begin(job, total);
    this.bar?.setTotal(total);
    this.bar?.update(items);
  }

  stop(): void {
    this.bar?.stop();
    this.bar = null;
  }

  private begin(job: string, total: number): void {
    this.stop();
    this.job = job;
    const options = { format: `${job} {bar} {value}/{total}`, stream: process.stderr, clearOnComplete: true };
    this.bar = new SingleBar(options, Presets.shades_classic);
    this.bar.start(total, 0);
  }
}

const SHOWN_AFTER_MS = 500;
