import type { Environment } from './given-options.js';
import { OPTIONS } from './options.js';

const MOST_EDITS = 2;

export interface NearMiss {
  /** The variable that nothing reads. */
  readonly name: string;
  /** The variable of this module that it resembles most. */
  readonly meant: string;
}

/** The variables of the environment that are at most two letters away from one of this module, and are none of it. */
export function nearMissesIn(environment: Environment): NearMiss[] {
  const ours = [...OPTIONS.values()].flatMap(({ environment: name, fileEnvironment }) =>
    fileEnvironment === undefined ? [name] : [name, fileEnvironment],
  );
  return Object.keys(environment)
    .filter((name) => !ours.includes(name))
    .flatMap((name) => {
      const near = ours.map((meant) => ({ name, meant, edits: editsBetween(name, meant) }));
      const [nearest] = near.toSorted((one, other) => one.edits - other.edits);
      return nearest && nearest.edits <= MOST_EDITS ? [{ name, meant: nearest.meant }] : [];
    });
}

/** Letters to insert, delete or replace; more than `MOST_EDITS` where the lengths alone say so. */
function editsBetween(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > MOST_EDITS) return MOST_EDITS + 1;
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of one.split('').entries()) {
    const next = [index + 1];
    for (const [at, target] of other.split('').entries()) {
      const replaced = (row[at] ?? 0) + (letter === target ? 0 : 1);
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
