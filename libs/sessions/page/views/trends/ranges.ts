export const RANGE_NAMES = ['1h', '24h', '30d'] as const;
export type RangeName = (typeof RANGE_NAMES)[number];

interface Range {
  /** Without `from` and `to` the server answers the latest 60 minutes, 24 hours or 30 days. */
  readonly span: 'minute' | 'hour' | 'day';
  readonly readAgainMs: number;
}

export const RANGES: Readonly<Record<RangeName, Range>> = {
  '1h': { span: 'minute', readAgainMs: 15_000 },
  '24h': { span: 'hour', readAgainMs: 60_000 },
  '30d': { span: 'day', readAgainMs: 60_000 },
};
