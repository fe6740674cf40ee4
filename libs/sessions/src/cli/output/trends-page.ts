import { REFUSAL_REASONS, RESOURCE_REFUSAL_REASONS } from '../../domain/events.js';
import { STREAM_TYPE } from '../../domain/resource.js';
import { isPeak } from '../../domain/trends/trend.js';
import { END_REASONS } from '../../domain/session.js';
import type { TrendFigures, TrendsView } from '../../operate/trends/trends-view.js';
import { escapeControlStart } from './escape-control.js';
import { size, span } from './format.js';
import { columns } from './table.js';
import type { Terminal } from './terminal.js';

const WIDTH = 80;
const GAPS = 4 * 2;
const LEAST_SPARKS = 8;
const LONGEST_PART = 24;
const SPARKS = '▁▂▃▄▅▆▇█';
const NONE = '-';
const HEAD = ['', 'TREND', 'MIN', 'MAX', 'TOTAL'];

type Value = number | null;

interface Row {
  readonly label: string;
  /** `null` where there is nothing to tell. */
  readonly values: readonly Value[];
  readonly total: Value;
  readonly text: (value: number) => string | number;
}

/** A row for each figure with its course, in 80 columns. */
export function trendsPage(terminal: Terminal, view: TrendsView): string {
  const rows = Object.keys(view.totals).flatMap((name) => rowsOf(view, name as keyof TrendFigures));
  const cells = rows.map(({ label, values, total, text }) => {
    const known = values.filter((value) => value !== null);
    const extremes = known.length === 0 ? [null, null] : [Math.min(...known), Math.max(...known)];
    return [label, ...[...extremes, total].map((value) => (value === null ? NONE : text(value)))];
  });
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max('TOTAL'.length, ...cells.map((row) => String(row[column]).length)),
  );
  const left = Math.max(LEAST_SPARKS, WIDTH - GAPS - sumOf(widths));
  const lines = cells.map(([label = '', ...numbers], index) => [
    label,
    sparkline(rows[index]?.values ?? [], left),
    ...numbers,
  ]);
  return `By ${view.span} from ${view.from} to ${view.to}\n${columns(terminal, HEAD, lines)}`;
}

/** A line for each point under a head. The columns depend on nothing but the types of files. */
export function trendsCsv({ points, totals }: TrendsView, types: readonly string[]): string {
  const files = new Set([...types.filter((type) => type !== STREAM_TYPE), ...Object.keys(totals.files)]);
  const parts: Partial<Record<string, Iterable<string>>> = {
    ended: END_REASONS,
    files,
    bytes: files,
    refused: REFUSAL_REASONS,
    refused_files: RESOURCE_REFUSAL_REASONS,
    durations: Object.keys(totals.durations),
  };
  const names = Object.keys(totals).flatMap((name) =>
    [...(parts[name] ?? [''])].map((part) => ({ name: name as keyof TrendFigures, part })),
  );
  const head = names.map(({ name, part }) => (part === '' ? name : `${name}_${part}`));
  const lines = points.map((point) => [
    point.start,
    ...names.map(({ name, part }) => valueOf(point[name], part) ?? ''),
  ]);
  return [['start', ...head], ...lines].map((line) => `${line.join(',')}\n`).join('');
}

function valueOf(figure: TrendFigures[keyof TrendFigures], part: string): Value {
  if (typeof figure === 'number') return figure;
  const known = (figure as Readonly<Record<string, Value>>)[part];
  return known === undefined ? 0 : known;
}

/** Of a figure by reason or type its sum, then those that are not always 0. */
function rowsOf({ points, totals }: TrendsView, name: keyof TrendFigures): Row[] {
  const label = name.replaceAll('_', ' ');
  const rowOf = (part: string): Row => ({
    label: part === '' ? label : `  ${escapeControlStart(part, LONGEST_PART)}`,
    values: points.map((point) => valueOf(point[name], part)),
    total: valueOf(totals[name], part),
    text: name === 'bytes' ? size : (value) => value,
  });
  if (isPeak(name)) return [{ ...rowOf(''), total: null }];
  if (name === 'durations') {
    return Object.keys(totals.durations).map((part) => ({
      ...rowOf(part),
      label: `duration ${part.replace('_ms', '')}`,
      text: span,
    }));
  }
  if (typeof totals[name] === 'number') return [rowOf('')];
  const parts = Object.keys(totals[name]).map(rowOf);
  const values = points.map((_, index) => sumOf(parts.map((part) => part.values[index] ?? 0)));
  return [{ ...rowOf(''), values, total: sumOf(values) }, ...parts];
}

/** From 0 to the largest value; where points share a column, it has the largest of them. */
function sparkline(values: readonly Value[], width: number): string {
  const inOne = Math.ceil(values.length / width);
  const drawn: Value[] = [];
  for (let start = 0; start < values.length; start += inOne) {
    const known = values.slice(start, start + inOne).filter((value) => value !== null);
    drawn.push(known.length === 0 ? null : Math.max(...known));
  }
  const most = Math.max(1, ...drawn.map((value) => value ?? 0));
  return drawn
    .map((value) => (value === null ? ' ' : SPARKS[Math.ceil((value / most) * (SPARKS.length - 1))]))
    .join('');
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
