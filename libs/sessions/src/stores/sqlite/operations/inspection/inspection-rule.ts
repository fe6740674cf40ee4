import type { SQLInputValue } from 'node:sqlite';
import type { StoreFault } from '../../../../ports/inspection.js';
import { numberOf, type Row } from '../../database/values.js';

/** Runs a statement with parameters. */
export type Run = (sql: string, values?: Record<string, SQLInputValue>) => void;

/** A comparison of what is kept with the rows. */
export interface InspectionRule {
  readonly name: string;
  readonly fault: StoreFault;
  /** The table that it goes through in slices, by `:after` and `:through`, its keys; `null`: in one statement. */
  readonly slices: 'sessions' | 'resources' | null;
  /** Whether `wrong` has the parameter `:at`. */
  readonly asksAt?: boolean;
  /**
   * A row for each subject that is wrong, with `subject`, and pairs of columns `kept_…` and `real_…`, or `detail`.
   */
  readonly wrong: string;
  /** Writes what the row found; absent: nothing can be mended. */
  readonly mend?: (row: Row, run: Run) => void;
}

const KEPT = 'kept_';

/** `resource_count 3 instead of 2`, … */
export function detailOf(row: Row): string {
  if (typeof row['detail'] === 'string') return row['detail'];
  return Object.keys(row)
    .filter((column) => column.startsWith(KEPT) && row[column] !== row[realOf(column)])
    .map(
      (column) =>
        `${column.slice(KEPT.length)} ${String(row[column])} instead of ${String(row[realOf(column)])}`,
    )
    .join(', ');
}

/** The columns `real_…` as parameters without that prefix. */
export function realValues(row: Row, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, numberOf(row, `real_${name}`)]));
}

/** Pairs of columns: what is kept, and what was found. */
export function pairs(names: readonly string[], kept: string, real: string): string {
  return names
    .flatMap((name) => [
      `ifnull(${kept}.${name}, 0) AS kept_${name}`,
      `ifnull(${real}.${name}, 0) AS real_${name}`,
    ])
    .join(', ');
}

/** Whether any of the pairs differs. */
export function differ(names: readonly string[]): string {
  return names.map((name) => `kept_${name} IS NOT real_${name}`).join(' OR ');
}

/** `a = :a, b = :b` */
export function assignments(names: readonly string[]): string {
  return names.map((name) => `${name} = :${name}`).join(', ');
}

function realOf(column: string): string {
  return `real_${column.slice(KEPT.length)}`;
}
