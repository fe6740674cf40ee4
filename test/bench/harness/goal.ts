import { figure } from './table.ts';

interface Unit {
  readonly unit: string;
  readonly digits?: number;
}

/** One line beneath a table: what a figure is to be at most, what it is, and whether that is enough. */
export function goal(what: string, value: number, most: number, unit: Unit): string {
  return line(what, value, value <= most, `at most ${figure(most, unit.digits ?? 1)}`, unit);
}

/** The same of a figure that is to be so much or more. */
export function atLeast(what: string, value: number, least: number, unit: Unit): string {
  return line(what, value, value >= least, `at least ${figure(least, unit.digits ?? 1)}`, unit);
}

function line(
  what: string,
  value: number,
  isMet: boolean,
  bound: string,
  { unit, digits = 1 }: Unit,
): string {
  return `Goal ${isMet ? 'met' : 'MISSED'}: ${what}: ${figure(value, digits)} ${unit}, ${bound}.`;
}
