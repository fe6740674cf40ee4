import { readFileSync } from 'node:fs';
import type { OptionEntry } from './option.decorator.js';
import { OPTIONS, type OptionName } from './options.js';

export type Environment = Readonly<Record<string, string | undefined>>;
export type GivenOptions = Partial<Record<OptionName, unknown>>;

/** Collects unchecked values from the options, else from the environment, else from files that the environment names. */
export function collectGiven(options: object, environment: Environment, faults: string[]): GivenOptions {
  const given: GivenOptions = {};
  for (const [name, value] of Object.entries(options)) {
    if (!isOptionName(name)) faults.push(`${JSON.stringify(name.slice(0, 64))}: unknown option`);
    else if (value !== undefined) given[name] = value;
  }
  for (const [name, entry] of OPTIONS) {
    const value = name in given ? undefined : fromEnvironment(entry, environment, faults);
    if (value !== undefined) given[name] = value;
  }
  return given;
}

function isOptionName(name: string): name is OptionName {
  return OPTIONS.has(name as OptionName);
}

function fromEnvironment(entry: OptionEntry, environment: Environment, faults: string[]): unknown {
  const text = environment[entry.environment];
  if (text) return entry.kind.parse(text.trim());
  const path = entry.fileEnvironment && environment[entry.fileEnvironment];
  if (!path) return undefined;
  try {
    // Line breaks in a file separate list entries, as commas do.
    return entry.kind.parse(readFileSync(path, 'utf8').trim().replaceAll(/\s+/g, ','));
  } catch {
    faults.push(`${entry.fileEnvironment}: the file cannot be read`);
    return undefined;
  }
}
