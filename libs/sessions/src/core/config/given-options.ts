import { readFileSync } from 'node:fs';
import type { OptionEntry } from './option.decorator.js';
import { OPTIONS, type OptionName } from './options.js';

export type Environment = Readonly<Record<string, string | undefined>>;
export type GivenOptions = Partial<Record<OptionName, unknown>>;

/** What was collected. */
export interface Collected {
  readonly given: GivenOptions;
  /** The options whose values are from files. */
  readonly fromFiles: ReadonlySet<OptionName>;
}

/** Collects unchecked values from the options, else from the environment, else from files that the environment names. */
export function collectGiven(options: object, environment: Environment, faults: string[]): Collected {
  const given: GivenOptions = {};
  const fromFiles = new Set<OptionName>();
  for (const [name, value] of Object.entries(options)) {
    const entry = OPTIONS.get(name as OptionName);
    if (!entry) faults.push(`${JSON.stringify(name.slice(0, 64))}: unknown option`);
    else {
      const known = fromOption(entry, value);
      if (known !== undefined) given[name as OptionName] = known;
    }
  }
  for (const [name, entry] of OPTIONS) {
    if (name in given) continue;
    const text = environment[entry.environment]?.trim();
    const value = text ? entry.kind.parse(text) : fromFile(entry, environment, faults);
    if (value === undefined) continue;
    given[name] = value;
    if (!text) fromFiles.add(name);
  }
  return { given, fromFiles };
}

/** An option may be the text that the environment would hold, as ConfigService gives it: empty text sets nothing. */
function fromOption({ kind }: OptionEntry, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return value.trim() === '' ? undefined : kind.parse(value.trim());
}

function fromFile(
  { kind, fileEnvironment }: OptionEntry,
  environment: Environment,
  faults: string[],
): unknown {
  const path = environment[fileEnvironment ?? '']?.trim();
  if (!path) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    const cause = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    faults.push(`${fileEnvironment}: the file ${path} cannot be read (${cause})`);
    return undefined;
  }
  if (text === '') {
    faults.push(
      `${fileEnvironment}: the file ${path} is empty: write the value into it, or unset the variable`,
    );
    return undefined;
  }
  // Line breaks in a file separate list entries, as commas do.
  return kind.parse(text.replaceAll(/\s+/g, ','));
}
