import { IsOptional, IsString, Matches, ValidateBy, validateSync } from 'class-validator';
import { INSTANT_RULE, instantOf } from './instant.js';
import { MAX_PAGE } from './session-page.js';

/** Query parameters of every list, as strings. */
export class PageQuery {
  @IsOptional()
  @IsString({ message: 'must be a string' })
  @Matches(/^([1-9]\d{0,2}|1000)$/, { message: `must be a whole number from 1 to ${MAX_PAGE}` })
  limit?: string;

  @IsOptional()
  @IsString({ message: 'must be the next_cursor of another page' })
  cursor?: string;
}

const AN_INSTANT = {
  name: 'isInstant',
  validator: { validate: (value: unknown) => instantOf(value) !== null },
};

/** A parameter that may be missing, and is an instant else: see `instantOf`. */
export function IsInstant(): PropertyDecorator {
  const [optional, instant] = [IsOptional(), ValidateBy(AN_INSTANT, { message: INSTANT_RULE })];
  return (target, name) => {
    optional(target, name);
    instant(target, name);
  };
}

/** Names of the parameters in faults: query parameters, or options of a command. */
export type ParameterNames<Parameters> = Readonly<Record<keyof Parameters & string, string>>;

/** `faults` lists everything wrong, without any of the given values. */
export type ReadQuery<Query> =
  | { readonly kind: 'valid'; readonly query: Query }
  | { readonly kind: 'invalid'; readonly faults: readonly string[] };

/** Fills `parameters` with what was given from outside, and validates it. Parameters that `names` lacks are faults. */
export function readParameters<Parameters extends object>(
  parameters: Parameters,
  given: Readonly<Record<string, unknown>>,
  names: Partial<ParameterNames<Parameters>>,
): ReadQuery<Parameters> {
  if (!Object.keys(given).every((name) => Object.hasOwn(names, name))) {
    return invalid([`unknown parameter: use ${Object.values(names).join(', ')}`]);
  }
  for (const name of Object.keys(names)) {
    if (given[name] !== undefined) Object.assign(parameters, { [name]: given[name] });
  }
  const errors = validateSync(parameters);
  // In the order of the names: class-validator puts a class before the one that it extends.
  const faults = Object.entries(names as Record<string, string>).flatMap(([parameter, name]) =>
    errors
      .filter(({ property }) => property === parameter)
      .flatMap(({ constraints = {} }) => Object.values(constraints).map((fault) => `${name} ${fault}`)),
  );
  return faults.length > 0 ? invalid(faults) : { kind: 'valid', query: parameters };
}

export function invalid(faults: readonly string[]): ReadQuery<never> {
  return { kind: 'invalid', faults: [...new Set(faults)] };
}
