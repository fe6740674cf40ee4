import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** How late the event loop is: sampled each millisecond, from `begin` to `end`. */
export class LoopWatch {
  private readonly histogram = monitorEventLoopDelay({ resolution: 1 });

  begin(): void {
    this.histogram.reset();
    this.histogram.enable();
  }

  end(): LoopDelay {
    this.histogram.disable();
    // The millisecond that it waits for by itself is no delay.
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - 1);
    return { p99Ms: late(this.histogram.percentile(99)), maxMs: late(this.histogram.max) };
  }
}
