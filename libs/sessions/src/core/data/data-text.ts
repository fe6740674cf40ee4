import { SessionsError } from '../../domain/errors.js';
import { invalidArgument } from '../handles/arguments.js';

/** Keys that one session may have. */
export const MOST_DATA_KEYS = 256;
const KEY = /^[^\p{Cc}]{1,128}$/u;
/** `Object.prototype.toString` of what JSON has a form for. */
const PLAIN: ReadonlySet<string> = new Set(['[object Object]', '[object Array]']);

/** @throws SessionsError `INVALID_ARGUMENT` */
export function requireDataKey(key: string): void {
  const isKey = typeof key === 'string' && KEY.test(key) && key.isWellFormed() && key !== '__proto__';
  if (isKey) return;
  throw invalidArgument(
    'A data key must be 1 to 128 characters of well-formed text without control characters, and not __proto__.',
  );
}

/**
 * The value as JSON that is read as the same value.
 * @throws SessionsError `INVALID_ARGUMENT`
 */
export function dataTextOf(value: unknown): string {
  if (value === undefined) throw noData('undefined: call remove(key) to delete a value');
  try {
    return JSON.stringify(value, refuseLossy);
  } catch (error) {
    if (error instanceof SessionsError) throw error;
    throw noData('what JSON cannot hold (a cycle, too many levels, or a property that throws)', error);
  }
}

/** `JSON.stringify` would drop or change these values silently. */
function refuseLossy(this: unknown, name: string, converted: unknown): unknown {
  // As it was before `toJSON`.
  const value = Reflect.get(this as object, name) as unknown;
  const fault = faultOf(value);
  if (fault !== null) throw noData(fault);
  if (value === undefined && Array.isArray(this)) throw noData('a list with undefined or a hole: use null');
  if (name === '__proto__' || !name.isWellFormed()) {
    throw noData('a property named __proto__, or with a name that is not well-formed text');
  }
  return converted;
}

function faultOf(value: unknown): string | null {
  switch (typeof value) {
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    case 'bigint':
      return 'a BigInt: convert it to a string';
    case 'number':
      return Number.isFinite(value) ? null : 'NaN or Infinity';
    case 'string':
      return value.isWellFormed() ? null : 'text that is not well-formed (a lone surrogate)';
    case 'object':
      return value === null || isPlain(value)
        ? null
        : 'an object that is not plain, such as a Date, Map or Buffer: convert it';
    default:
      return null;
  }
}

function isPlain(value: object): boolean {
  return PLAIN.has(Object.prototype.toString.call(value)) && !('toJSON' in value);
}

function noData(fault: string, cause?: unknown): SessionsError {
  return new SessionsError('INVALID_ARGUMENT', `Session data must be plain JSON values, but has ${fault}.`, {
    cause,
  });
}
