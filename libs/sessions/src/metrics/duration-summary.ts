import { Summary } from 'prom-client';
import type { SessionsCore } from '../core/core.js';
import { endedSessions } from '../operate/figures.js';
import type { Overview } from '../operate/overview.js';
import { recentDurations } from '../operate/trends/recent-durations.js';

const NAME = 'nest_sessions_duration_seconds';
const HELP =
  'Durations of ended sessions. Sum and count are kept in the store: they survive restarts and count all processes. The quantiles, within 5 %, are of those that ended in this hour and the one before.';
const QUANTILES = [0.5, 0.9, 0.99];

/** A summary whose figures the store keeps. If it does not answer, it has no samples; without recent ends, no quantiles. */
export class DurationSummary extends Summary {
  constructor(
    private readonly core: Pick<SessionsCore, 'store' | 'clock'>,
    private readonly askStore: () => Promise<Overview | null>,
  ) {
    super({ name: NAME, help: HELP, percentiles: QUANTILES, registers: [] });
  }

  override async get(): ReturnType<Summary['get']> {
    const [overview, durations] = await Promise.all([
      this.askStore(),
      recentDurations(this.core, QUANTILES).catch(() => []),
    ]);
    const empty = await super.get();
    if (overview === null) return { ...empty, values: [] };
    const quantiles = durations.flatMap((ms, index) =>
      ms === null ? [] : [{ labels: { quantile: QUANTILES[index] ?? 0 }, value: ms / 1000 }],
    );
    const { totals } = overview;
    return {
      ...empty,
      values: [
        ...quantiles,
        { metricName: `${NAME}_sum`, labels: {}, value: totals.endedDurationMs / 1000 },
        { metricName: `${NAME}_count`, labels: {}, value: endedSessions(totals) },
      ],
    };
  }
}
