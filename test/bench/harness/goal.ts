import { figure } from './table.ts';

/** One line beneath a table: what a figure is to be at most, what it is, and whether that is enough. */
export function goal(
  what: string,
  value: number,
  atMost: number,
  { unit, digits = 1 }: { readonly unit: string; readonly digits?: number },
): string {
  const isMet = value <= atMost;
  return `Goal ${isMet ? 'met' : 'MISSED'}: ${what}: ${figure(value, digits)} ${unit}, at most ${figure(atMost, digits)}.`;
}
