import type { TrendFigures, Trends } from '../../server/answers.js';
import { formatBytes, formatMilliseconds, formatNumber } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';

export interface Series {
  readonly label: string;
  /** One for each point; `null`: there was nothing to measure. */
  readonly values: readonly (number | null)[];
  /** Of the whole range, as the server counted it. */
  readonly total: number | null;
}

export interface Figure {
  readonly name: keyof typeof texts.trends.figures;
  readonly format: (value: number) => string;
  readonly series: readonly Series[];
}

type Read = (figures: TrendFigures, isLast: boolean) => number | null;

/** The charts: the same figures as `sessions trends` prints. */
export function figuresOf(trends: Trends): Figure[] {
  const series = (label: string, read: Read): Series => ({
    label,
    values: trends.points.map((point, index) => read(point, index === trends.points.length - 1)),
    total: read(trends.totals, false),
  });
  const byName = (
    names: Readonly<Record<string, string>>,
    pick: (figures: TrendFigures) => Record<string, number>,
  ) =>
    Object.keys(pick(trends.totals)).map((name) =>
      series(known(names, name), (figures) => pick(figures)[name] ?? 0),
    );
  return [
    {
      name: 'opened',
      format: formatNumber,
      series: [
        series(texts.trends.opened, ({ opened }) => opened),
        series(texts.trends.ended, ({ ended }) => sum(ended)),
      ],
    },
    { name: 'ended', format: formatNumber, series: byName(texts.endReasons, ({ ended }) => ended) },
    {
      name: 'open',
      format: formatNumber,
      series: [
        // The servers tell of a minute when it is over.
        series(texts.trends.open, ({ peak_open: open }, isLast) => (isLast && open === 0 ? null : open)),
      ],
    },
    { name: 'bytes', format: formatBytes, series: byName({}, ({ bytes }) => bytes) },
    {
      name: 'refused',
      format: formatNumber,
      series: [
        ...byName(texts.refusals, ({ refused }) => refused),
        ...byName(texts.fileRefusals, ({ refused_files: files }) => files),
      ],
    },
    {
      name: 'durations',
      format: formatMilliseconds,
      series: [
        series(texts.trends.p50, ({ durations }) => durations.p50_ms),
        series(texts.trends.p90, ({ durations }) => durations.p90_ms),
        series(texts.trends.p99, ({ durations }) => durations.p99_ms),
      ],
    },
  ];
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}
