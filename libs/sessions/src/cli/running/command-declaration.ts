/** An option without a value. */
export interface FlagOption {
  readonly kind: 'flag';
  readonly description: string;
}

/** An option that requires a value. */
export interface ValueOption {
  readonly kind: 'value';
  /** What the help calls the value: `number`. */
  readonly placeholder: string;
  readonly description: string;
  /** All values that there are, for the help and for shell completion. The command checks them. */
  readonly values: readonly string[];
}

/** An option that may have a value. */
export interface OptionalValueOption extends Omit<ValueOption, 'kind'> {
  readonly kind: 'optional value';
}

export type OptionDeclaration = FlagOption | ValueOption | OptionalValueOption;

/** By the name of the option in camel case: `dryRun` is `--dry-run`. */
export type OptionDeclarations = Readonly<Record<string, OptionDeclaration>>;

/** What was given of the declared options. */
export type OptionsOf<Declared extends OptionDeclarations> = {
  readonly [Name in keyof Declared]?: ValueOf<Declared[Name]> | undefined;
};

type ValueOf<Declared extends OptionDeclaration> = Declared extends FlagOption
  ? true
  : Declared extends ValueOption
    ? string
    : string | true;

export interface ArgumentDeclaration {
  readonly description: string;
  /** All values that there are, if they can be listed. */
  readonly values: readonly string[];
}

/** What a command is called, takes and does; the classes of its names are made from it. */
export interface CommandDeclaration {
  readonly name: string;
  readonly description: string;
  /** By argument: `<id>` is required, `[id]` is not, `[ids...]` may be several. */
  readonly arguments?: Readonly<Record<string, ArgumentDeclaration>>;
  /** Arguments and options of a command line that help shows. */
  readonly example: string;
  readonly options: OptionDeclarations;
}

export function flag(description: string): FlagOption {
  return { kind: 'flag', description };
}

export function value(placeholder: string, description: string, values: readonly string[] = []): ValueOption {
  return { kind: 'value', placeholder, description, values };
}

export function optionalValue(placeholder: string, description: string): OptionalValueOption {
  return { kind: 'optional value', placeholder, description, values: [] };
}

export function argument(description: string, values: readonly string[] = []): ArgumentDeclaration {
  return { description, values };
}

/** `--dry-run` of `dryRun`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** As commander is told of it: `--limit <number>`. */
export function flagsOf(name: string, option: OptionDeclaration): string {
  switch (option.kind) {
    case 'flag':
      return flagOf(name);
    case 'value':
      return `${flagOf(name)} <${option.placeholder}>`;
    case 'optional value':
      return `${flagOf(name)} [${option.placeholder}]`;
  }
}
