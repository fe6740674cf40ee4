import { readFileSync } from 'node:fs';
import type { OptionEntry } from './option.decorator.js';
import { OPTIONS, type OptionName } from './options.js';

export type Environment = Readonly<Record<string, string | undefined>>;
export type GivenOptions = Partial<Record<OptionName, unknown>>;

/** Collects unchecked values from the options, else from the environment, else from files that the environment names. */
export function collectGiven(options: object, environment: Environment, faults: string[]): GivenOptions {
  const given: GivenOptions = {};
  for (const [name, value] of Object.entries(options)) {
    const entry = OPTIONS.get(name as OptionName);
    if (!entry) faults.push(`${JSON.stringify(name.slice(0, 64))}: unknown option`);
    else {
      const known = fromOption(entry, value);
      if (known !== undefined) given[name as OptionName] = known;
    }
  }
  for (const [name, entry] of OPTIONS) {
    const value = name in given ? undefined : fromEnvironment(entry, environment, faults);
    if (value !== undefined) given[name] = value;
  }
  return given;
}

/** An option may be the text that the environment would hold, as ConfigService gives it: empty text sets nothing. */
function fromOption({ kind }: OptionEntry, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return value.trim() === '' ? undefined : kind.parse(value.trim());
}

function fromEnvironment(entry: OptionEntry, environment: Environment, faults: string[]): unknown {
  const text = environment[entry.environment];
  if (text) return entry.kind.parse(text.trim());
  const path = entry.fileEnvironment && environment[entry.fileEnvironment];
  if (!path) return undefined;
  try {
    // Line breaks in a file separate list entries, as commas do.
    return entry.kind.parse(readFileSync(path, 'utf8').trim().replaceAll(/\s+/g, ','));
  } catch (error) {
    const cause = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    faults.push(`${entry.fileEnvironment}: the file ${path} cannot be read (${cause})`);
    return undefined;
  }
}
