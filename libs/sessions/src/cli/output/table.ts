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
