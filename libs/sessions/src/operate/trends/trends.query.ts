import { IsIn, IsOptional } from 'class-validator';
import { TREND_SPAN_NAMES, type TrendSpan } from '../../domain/trends/trend.js';
import { instantOf } from '../lists/instant.js';
import { IsInstant, readParameters, type ParameterNames, type ReadQuery } from '../lists/page-query.js';
import type { TrendsRange } from './trends.js';

const OWN_NAMES = { span: 'span', from: 'from', to: 'to' };

/** Query parameters of the trends, as strings. */
class TrendsQuery {
  @IsOptional()
  @IsIn(TREND_SPAN_NAMES, { message: `must be one of ${TREND_SPAN_NAMES.join(', ')}` })
  span?: TrendSpan;

  @IsInstant()
  from?: string;

  @IsInstant()
  to?: string;
}

/** Validates input from outside. Default: by minute. */
export function readTrendsQuery(
  given: Readonly<Record<string, unknown>>,
  names: ParameterNames<TrendsQuery> = OWN_NAMES,
): ReadQuery<TrendsRange> {
  const read = readParameters(new TrendsQuery(), given, names);
  if (read.kind === 'invalid') return read;
  const { span = 'minute', from, to } = read.query;
  return { kind: 'valid', query: { span, from: instantOf(from), to: instantOf(to) } };
}
