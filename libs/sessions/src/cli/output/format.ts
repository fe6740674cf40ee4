import prettyBytes from 'pretty-bytes';
import { escapeControl, escapeControlStart } from './escape-control.js';

const NONE = '-';
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Characters of an id of a process or node in a table. */
export const ID_START = 8;

/** Tables cut texts from outside to this length; `--json` does not. */
const MAX_CELL = 40;

export function size(bytes: number): string {
  return prettyBytes(bytes);
}

/** A duration in its two largest units: `1 h 5 min`. */
export function span(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return inTwoUnits(ms, MINUTE, 'min', SECOND, 's');
  if (ms < DAY) return inTwoUnits(ms, HOUR, 'h', MINUTE, 'min');
  return inTwoUnits(ms, DAY, 'd', HOUR, 'h');
}

/** A duration in four characters or five: `59s`, `9m5s`, `59m`, `26h`, `400d`. */
export function shortSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND));
  const minutes = Math.floor(ms / MINUTE);
  const hours = Math.floor(ms / HOUR);
  if (minutes < 1) return `${seconds}s`;
  if (minutes < 10) return `${minutes}m${seconds % 60}s`;
  if (hours < 1) return `${minutes}m`;
  if (hours < 10) return `${hours}h${minutes % 60}m`;
  return hours < 48 ? `${hours}h` : `${Math.floor(ms / DAY)}d`;
}

export function instant(at: number | null): string {
  return at === null ? NONE : new Date(at).toISOString();
}

export function ago(at: number | null, now: number): string {
  return at === null ? NONE : `${span(now - at)} ago`;
}

/** A text from outside, escaped and cut for a table cell. */
export function cell(text: string | null): string {
  return text === null || text === '' ? NONE : escapeControlStart(text, MAX_CELL);
}

/** A text from outside, escaped. */
export function wholeCell(text: string | null): string {
  return text === null || text === '' ? NONE : escapeControl(text);
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function inTwoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`;
}
