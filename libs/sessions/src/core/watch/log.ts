/** Writes log lines. Nest's `Logger` fits. */
export interface Log {
  debug(message: string): void;
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Makes the logger of a part, so that each part can be filtered by name. */
export type LogFor = (part: string) => Log;

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** Name and message of `error` on one line of at most 500 characters: control and direction characters become a space. */
export function describeError(error: unknown): string {
  return oneLine(error instanceof Error ? `${error.name}: ${error.message}` : String(error), 500);
}

/** `text` on one line, cut to `maxLength`: each run of control and direction characters becomes a space. */
export function oneLine(text: string, maxLength: number): string {
  return firstCodePoints(text.replaceAll(CONTROL, ' '), maxLength);
}

/** `text` cut to `maxUnits` UTF-16 units, or to one less where the cut would break a pair. */
export function firstCodePoints(text: string, maxUnits: number): string {
  if (text.length <= maxUnits) return text;
  return text.slice(0, /[\uD800-\uDBFF]/.test(text.charAt(maxUnits - 1)) ? maxUnits - 1 : maxUnits);
}
