import type { Report } from './report.ts';

const HEADINGS = ['campaign', 'tried', 'violations', 'time', 'seed'];

/** The reports as a table, with the notes of each campaign beneath it. */
export function tableOf(reports: readonly Report[]): string {
  const rows = reports.map(({ name, tried, violations, ms, seed }) => [
    name,
    tried.toLocaleString('en'),
    violations.toLocaleString('en'),
    durationOf(ms),
    String(seed),
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lineOf = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const notes = reports.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`));
  return [lineOf(HEADINGS), rule, ...rows.map(lineOf), ...(notes.length > 0 ? [''] : []), ...notes].join(
    '\n',
  );
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function durationOf(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
