import type { OptionKind } from './option-kinds.js';

/** What the table says of an option; its name, default and meaning are those of the property. */
export interface OptionEntry {
  /** The environment variable. */
  readonly environment: string;
  readonly kind: OptionKind<unknown>;
  /** The variable that names a file to read the value from, where the other is not set. */
  readonly fileEnvironment?: string | undefined;
}

const entries = new Map<string, OptionEntry>();

/** The options that classes declared so far, by name. */
export const declaredOptions: ReadonlyMap<string, OptionEntry> = entries;

/** Makes a property an option: `environment` sets it, and class-validator checks that its value is of this kind. */
export function Option<T>(environment: string, kind: OptionKind<T>, fileEnvironment?: string) {
  return <Name extends string>(table: Record<Name, T>, name: Name): void => {
    entries.set(name, { environment, kind, fileEnvironment });
    for (const check of kind.checks) check(table, name);
  };
}
