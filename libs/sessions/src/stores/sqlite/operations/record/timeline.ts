import { SessionsError } from '../../../../domain/errors.js';
import { classOf, type JournalEntry } from '../../../../domain/journal/entry.js';
import type { JournalPosition } from '../../../../ports/record/journal.js';
import { CLASS_NUMBERS } from '../../database/journal.schema.js';
import { numberOf, textOf, type Row } from '../../database/values.js';

/** What is written as one row: entries of one session and class, in the order of their instants. */
export interface Packed {
  readonly class: number;
  readonly at: number;
  readonly count: number;
  readonly text: string;
}

/** Where an entry lies. A row loses entries at its beginning only, so its place is counted from the end. */
interface Place {
  readonly at: number;
  /** The key of its row. */
  readonly key: number;
  readonly fromEnd: number;
}

export interface PlacedEntry extends Place {
  readonly entry: JournalEntry;
}

/** The rows of these entries of one session: those of one class that follow each other share one, except marks. */
export function packed(entries: readonly JournalEntry[]): Packed[] {
  const runs: JournalEntry[][] = [];
  for (const entry of entries) {
    const last = runs.at(-1);
    const previous = last?.[0];
    const joins = previous !== undefined && classOf(previous) === classOf(entry) && classOf(entry) !== 'mark';
    if (joins) last?.push(entry);
    else runs.push([entry]);
  }
  return runs.map((run) => rowOf(run.toSorted((a, b) => a.at - b.at)));
}

function rowOf(entries: readonly JournalEntry[]): Packed {
  const [first] = entries;
  if (first === undefined) throw new TypeError('A row of the journal needs an entry');
  return {
    class: CLASS_NUMBERS[classOf(first)],
    at: first.at,
    count: entries.length,
    text: JSON.stringify(entries),
  };
}

/** The entries of a row of the table, in their order. */
export function unpacked(row: Row): PlacedEntry[] {
  const key = numberOf(row, 'key');
  const entries = JSON.parse(textOf(row, 'text')) as JournalEntry[];
  return entries.map((entry, index) => ({ at: entry.at, key, fromEnd: entries.length - index, entry }));
}

/** By instant, then as they were written. */
export function inOrder(a: Place, b: Place): number {
  return a.at - b.at || a.key - b.key || b.fromEnd - a.fromEnd;
}

export function positionOf({ at, key, fromEnd }: Place): JournalPosition {
  return `${at}.${key}.${fromEnd}`;
}

export function placeAt(position: JournalPosition): Place {
  const [at, key, fromEnd, ...rest] = position.split('.').map(Number);
  const isWhole = [at, key, fromEnd].every(Number.isSafeInteger);
  if (at === undefined || key === undefined || fromEnd === undefined || !isWhole || rest.length > 0)
    throw new SessionsError(
      'INVALID_ARGUMENT',
      'journal.read(): unknown position: pass the `next` of a page of this store.',
    );
  return { at, key, fromEnd };
}

/** The rest of a row without its first `count` entries; `null` if nothing is left. */
export function withoutFirst(row: Row, count: number): Packed | null {
  const rest = unpacked(row).slice(count);
  return rest.length === 0 ? null : rowOf(rest.map(({ entry }) => entry));
}
