import { declaredOptions, type OptionEntry } from './option.decorator.js';
import { SessionsSettings } from './settings.js';

export type OptionName = keyof SessionsSettings;

/** The default of each option. */
export const DEFAULTS: Readonly<SessionsSettings> = Object.freeze(new SessionsSettings());

/** The entries of the table, in its order. */
export const OPTIONS = declaredOptions as ReadonlyMap<OptionName, OptionEntry>;

/** The environment variable of each option. An option that is given wins. */
export const ENVIRONMENT = Object.freeze(
  Object.fromEntries([...OPTIONS].map(([name, { environment }]) => [name, environment])),
) as Readonly<Record<OptionName, string>>;

/** An option as error messages name it: `maxBytes (MAX_BYTES_PER_SESSION)`. */
export function labelOf(name: OptionName): string {
  return `${name} (${ENVIRONMENT[name]})`;
}
