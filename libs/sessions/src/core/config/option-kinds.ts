import { resolve } from 'node:path';

/**
 * The decorators of class-validator that the kinds use. Not by the package's own types, which are in our public declarations then:
 * those of 0.14.0 do not compile in every application.
 */
export interface Validators {
  readonly IsOptional: () => PropertyDecorator;
  readonly IsInt: (told: Told) => PropertyDecorator;
  readonly IsBoolean: (told: Told) => PropertyDecorator;
  readonly IsArray: (told: Told) => PropertyDecorator;
  readonly IsIn: (words: readonly unknown[], told: Told) => PropertyDecorator;
  readonly Min: (least: number, told: Told) => PropertyDecorator;
  readonly Max: (most: number, told: Told) => PropertyDecorator;
  readonly ArrayMaxSize: (most: number, told: Told) => PropertyDecorator;
  readonly Length: (least: number, most: number, told: Told) => PropertyDecorator;
  readonly Matches: (pattern: RegExp, told: Told) => PropertyDecorator;
  readonly ValidateBy: (
    check: { name: string; validator: { validate(value: unknown): boolean } },
    told: Told & { each: boolean },
  ) => PropertyDecorator;
}

interface Told {
  message: string;
}

/** The values that an option accepts. */
export interface OptionKind<T> {
  /** Parses text, of an environment variable or an option. For invalid text it returns a value that the checks refuse. */
  parse(text: string): unknown;
  /** Whether messages must not show the value. */
  readonly isSecret?: boolean;
  /** Decorators for a property that holds the value. Given the package, since the table is read where nothing is checked. */
  checks(validators: Validators): PropertyDecorator[];
  /** Converts a value other than `null` for the config. Default: unchanged. */
  toConfig?(value: T): T;
}

export function wholeNumber(from: number, to: number): OptionKind<number> {
  const message = `must be a whole number from ${from} to ${to}`;
  return {
    parse: (text) => (/^\d{1,16}$/.test(text) ? Number(text) : text),
    checks: ({ IsInt, Min, Max }) => [IsInt({ message }), Min(from, { message }), Max(to, { message })],
  };
}

export const flag: OptionKind<boolean> = {
  parse: (text) => text === 'true' || (text === 'false' ? false : text),
  checks: ({ IsBoolean }) => [IsBoolean({ message: 'must be true or false' })],
};

export function oneOf<const Word extends string>(...words: Word[]): OptionKind<Word> {
  const message = `must be one of ${words.join(', ')}`;
  return { parse: asItIs, checks: ({ IsIn }) => [IsIn(words, { message })] };
}

export function matching(pattern: RegExp, message: string): OptionKind<string> {
  return { parse: asItIs, checks: ({ Matches }) => [Matches(pattern, { message })] };
}

export function secret(from: number, to: number): OptionKind<string> {
  const message = `must be ${from} to ${to} characters`;
  return hidden({ parse: asItIs, checks: ({ Length }) => [Length(from, to, { message })] });
}

/** The kind, for values that messages must not show. */
export function hidden<T>(kind: OptionKind<T>): OptionKind<T> {
  return { ...kind, isSecret: true };
}

export function orNull<T>(kind: OptionKind<T>): OptionKind<T | null> {
  return { ...kind, checks: (validators) => [validators.IsOptional(), ...kind.checks(validators)] };
}

/** Comma-separated in the environment. `what` names the entries in the error: `paths`. */
export function list(what: string, most: number, entry: Pick<RegExp, 'test'>): OptionKind<readonly string[]> {
  const message = `must be a list of ${what}`;
  const validate = (value: unknown): boolean => typeof value === 'string' && entry.test(value);
  return {
    parse: splitList,
    checks: ({ IsArray, ArrayMaxSize, ValidateBy }) => [
      IsArray({ message }),
      ArrayMaxSize(most, { message: `must have at most ${most} entries` }),
      ValidateBy({ name: 'isEntry', validator: { validate } }, { each: true, message }),
    ],
  };
}

/** `true`, `false`, or a list of what is named in the plural. */
export function flagOrList(
  what: string,
  most: number,
  entry: RegExp,
): OptionKind<boolean | readonly string[]> {
  const isEntry = (value: unknown): boolean => typeof value === 'string' && entry.test(value);
  const validate = (value: unknown): boolean =>
    typeof value === 'boolean' || (Array.isArray(value) && value.length <= most && value.every(isEntry));
  const message = `must be true, false, or a list of ${what}, ${most} at most`;
  return {
    parse: (text) => (text === 'true' || text === 'false' ? flag.parse(text) : splitList(text)),
    checks: ({ ValidateBy }) => [
      ValidateBy({ name: 'isFlagOrList', validator: { validate } }, { each: false, message }),
    ],
  };
}

const PATH = /^[^\0]+$/;

export const path: OptionKind<string> = {
  ...matching(PATH, 'must be a path'),
  toConfig: (text) => resolve(text),
};

export const paths: OptionKind<readonly string[]> = {
  ...list('paths', 32, PATH),
  toConfig: (texts) => texts.map((text) => resolve(text)),
};

/** Commas alone are no list: whoever wrote them meant something. */
function splitList(text: string): string[] | string {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return parts.length > 0 ? parts : text;
}

function asItIs(text: string): string {
  return text;
}
