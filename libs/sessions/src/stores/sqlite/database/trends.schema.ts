import type { TrendSpan } from '../../../domain/trends/trend.js';

/** How a span is written. */
export const SPAN_NUMBERS: Readonly<Record<TrendSpan, number>> = { minute: 0, hour: 1, day: 2 };

/**
 * A row of `trends` is one count of one minute, hour or day, so that a deed changes small rows at the end of three runs of pages.
 * `trend_batches` has the latest batch of each process, so that repeats are recognized.
 */
export const TRENDS_SCHEMA = `
  CREATE TABLE trends (
    span INTEGER NOT NULL,
    at INTEGER NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (span, at, name)
  ) WITHOUT ROWID;

  CREATE TABLE trend_batches (process_id BLOB PRIMARY KEY, number INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
`;
