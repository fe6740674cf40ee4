import CliTable from 'cli-table3';
import type { Terminal } from './terminal.js';

type Cell = string | number;

/** No borders, no colours: easy to read, to `grep` and to cut into columns. */
const PLAIN = {
  chars: {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  },
  style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
};

/** Rows under a head; numbers are right-aligned. */
export function columns(
  terminal: Terminal,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const first = rows[0] ?? [];
  const table = new CliTable({
    ...PLAIN,
    head: head.map((name) => terminal.bold(name)),
    colAligns: head.map((_, index) => (typeof first[index] === 'number' ? 'right' : 'left')),
  });
  table.push(...rows.map((row) => [...row]));
  return render(table);
}

const GAP = 2;
/** Less of a text says nothing. */
const LEAST_OF_TEXT = 6;

/** As `columns`, in the width of the terminal: the longest texts of the columns `flexible` are cut for it. */
export function fittedColumns(
  terminal: Terminal,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  flexible: readonly number[],
): string {
  const widths = head.map((name, index) =>
    Math.max(name.length, ...rows.map((row) => String(row[index]).length)),
  );
  const taken = widths.reduce((sum, width) => sum + width + GAP, -GAP);
  for (let over = taken - terminal.width; over > 0; over -= 1) {
    const [widest = 0] = flexible.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if ((widths[widest] ?? 0) <= LEAST_OF_TEXT) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const cut = rows.map((row) =>
    row.map((text, index) =>
      typeof text === 'string' && flexible.includes(index) ? startOf(text, widths[index] ?? 0) : text,
    ),
  );
  return columns(terminal, head, cut);
}

function startOf(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1).toWellFormed()}…`;
}

/**
 * Rows whose last two columns are broken at spaces, so that lines fit the terminal where their words allow. `widest`: of the last
 * but one; `narrowest`: what the last has at least.
 */
function brokenColumns(
  terminal: Terminal,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { widest, narrowest }: { readonly widest: number; readonly narrowest: number },
): string {
  const last = head.length - 1;
  const broken = rows.map((row) =>
    row.map((text, index) => (index === last - 1 ? brokenAtSpaces(text, widest) : text)),
  );
  const taken = head
    .slice(0, last)
    .map((name, index) => Math.max(name.length, ...broken.map((row) => longestLine(row[index] ?? ''))))
    .reduce((sum, width) => sum + width + GAP, 0);
  const left = Math.max(narrowest, terminal.width - taken);
  const whole = broken.map((row) => [...row.slice(0, last), brokenAtSpaces(row[last] ?? '', left)]);
  return columns(terminal, head, whole);
}

const ENTRY_HEAD = ['AT', 'WHAT', 'BY', 'DETAILS'];
/** An id fits into the details. */
const ENTRY_WIDTHS = { widest: 20, narrowest: 36 };

/** Entries of a timeline or of the audit: instant, what, by whom, details. Empty without rows. */
export function entryTable(terminal: Terminal, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : brokenColumns(terminal, ENTRY_HEAD, rows, ENTRY_WIDTHS);
}

/** Lines of at most `width` characters; a longer word keeps its line: ids are copied. */
export function brokenAtSpaces(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}

function longestLine(text: string): number {
  return Math.max(...text.split('\n').map(({ length }) => length));
}

/** One name and value per line. */
export function facts(terminal: Terminal, pairs: readonly (readonly [string, Cell])[]): string {
  const table = new CliTable(PLAIN);
  table.push(...pairs.map(([name, value]) => [terminal.bold(name), String(value)]));
  return render(table);
}

/** A titled, indented part of an output. */
export function section(terminal: Terminal, title: string, body: string): string {
  return `${terminal.bold(title)}\n${body.replaceAll(/^(?=.)/gm, '  ')}`;
}

function render(table: CliTable.Table): string {
  return `${table.toString().replaceAll(/ +$/gm, '')}\n`;
}
