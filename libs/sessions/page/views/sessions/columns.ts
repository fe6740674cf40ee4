import { texts } from '../../text/texts.js';

export const DEFAULT_SORT = '-last_activity';

export interface Column {
  readonly name: keyof typeof texts.columns;
  /** What the server sorts by, ascending. */
  readonly sort?: string;
  readonly isNumber?: boolean;
}

export const COLUMNS: readonly Column[] = [
  { name: 'session' },
  { name: 'user' },
  { name: 'address' },
  { name: 'opened', sort: 'created_at' },
  { name: 'idle', sort: 'last_activity', isNumber: true },
  { name: 'left', isNumber: true },
  { name: 'requests', isNumber: true },
  { name: 'files', isNumber: true },
  { name: 'bytes', sort: 'total_bytes_used', isNumber: true },
  { name: 'share' },
];

/** The other direction of a sort, or the first one of another column: the latest and the largest first. */
export function nextSort(column: string, current: string): string {
  return current === `-${column}` ? column : `-${column}`;
}

/** Idle since long is last active long ago: what the column shows runs the other way. */
export function ariaSort(column: Column, current: string): 'ascending' | 'descending' | undefined {
  if (!column.sort || current.replace('-', '') !== column.sort) return undefined;
  const isDescending = current.startsWith('-') !== (column.name === 'idle');
  return isDescending ? 'descending' : 'ascending';
}
