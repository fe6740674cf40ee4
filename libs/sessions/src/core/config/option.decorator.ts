import type { OptionKind } from './option-kinds.js';

/** An entry of the table of options; the property gives the name, default and meaning. */
export interface OptionEntry {
  /** The environment variable. */
  readonly environment: string;
  readonly kind: OptionKind<unknown>;
  /** The variable with the path of a file that has the value, if `environment` is not set. */
  readonly fileEnvironment?: string | undefined;
}

const entries = new Map<string, OptionEntry>();

/** The options that classes declared so far, by name. */
export const declaredOptions: ReadonlyMap<string, OptionEntry> = entries;

/** Makes a property an option: `environment` sets it, and its value must be of this kind. */
export function Option<T>(environment: string, kind: OptionKind<T>, fileEnvironment?: string) {
  return <Name extends string>(_table: Record<Name, T>, name: Name): void => {
    entries.set(name, { environment, kind, fileEnvironment });
  };
}
