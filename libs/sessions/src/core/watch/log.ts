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
  return text.replaceAll(CONTROL, ' ').slice(0, maxLength);
}
