import {
  durationPercentiles,
  partsOfCounts,
  sumOfCounts,
  type TrendCounts,
} from '../../domain/trends/trend.js';
import { timeOf } from '../units.js';
import type { Trends } from './trends.js';

export type TrendsView = ReturnType<typeof trendsView>;
export type TrendFigures = ReturnType<typeof figuresOf>;

/** The JSON answer. In what is counted by reason or type, a missing name counts 0. */
export function trendsView({ span, from, to, points }: Trends) {
  return {
    span,
    from: timeOf(from),
    to: timeOf(to),
    points: points.map(({ at, counts }) => ({ start: timeOf(at), ...figuresOf(counts) })),
    totals: figuresOf(sumOfCounts(points.map(({ counts }) => counts))),
  };
}

function figuresOf(counts: TrendCounts) {
  const of = (name: string): number => counts[name] ?? 0;
  const parts = partsOfCounts(counts);
  const [p50 = null, p90 = null, p99 = null] = durationPercentiles(parts['duration'] ?? {}, [0.5, 0.9, 0.99]);
  return {
    opened: of('opened'),
    logins: of('logins'),
    ended: sorted(parts['ended']),
    evicted: of('evicted'),
    files: sorted(parts['files']),
    bytes: sorted(parts['bytes']),
    requests: of('requests'),
    refused: sorted(parts['refused']),
    refused_files: sorted(parts['refused_file']),
    cleaned: of('cleaned'),
    cleanup_failures: of('cleanup_failures'),
    peak_open: of('peak_open'),
    peak_users: of('peak_users'),
    durations: { p50_ms: rounded(p50), p90_ms: rounded(p90), p99_ms: rounded(p99) },
  };
}

function sorted(counts: TrendCounts = {}): TrendCounts {
  const names = Object.keys(counts).toSorted();
  return Object.fromEntries(names.map((name) => [name, counts[name] ?? 0]));
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms);
}
