import { DEFAULTS, ENVIRONMENT } from 'nest-sessions';

export interface OptionRow {
  readonly option: string;
  readonly environment: string;
  /** As text; `none` of what is empty. */
  readonly value: string;
}

const ROW = /^\| `(?<option>\w+)` \| `(?<environment>[A-Z_]+)` \| (?<value>`[^`]*`|none) \|/gm;

/** The rows of a page's tables of options, by name. */
export function documentedOptions(page: string): OptionRow[] {
  const rows = [...page.matchAll(ROW)].map(({ groups = {} }) => ({
    option: groups['option'] ?? '',
    environment: groups['environment'] ?? '',
    value: (groups['value'] ?? '').replaceAll('`', ''),
  }));
  return rows.toSorted(byName);
}

/** The rows that a complete page has, by name. */
export function optionsOfCode(): OptionRow[] {
  const rows = Object.entries(DEFAULTS).map(([option, value]) => ({
    option,
    environment: ENVIRONMENT[option as keyof typeof ENVIRONMENT],
    value: value === null || (Array.isArray(value) && value.length === 0) ? 'none' : String(value),
  }));
  return rows.toSorted(byName);
}

function byName(a: OptionRow, b: OptionRow): number {
  return a.option.localeCompare(b.option);
}
