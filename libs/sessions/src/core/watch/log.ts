/** Where log lines go. Nest's `Logger` fits. */
export interface Log {
  debug(message: string): void;
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** One logger for each part, so that each can be told apart and switched by name. */
export type LogFor = (part: string) => Log;

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** One line of at most 500 characters, whatever is in `error`: control and direction characters become a space. */
export function describeError(error: unknown): string {
  return oneLine(error instanceof Error ? `${error.name}: ${error.message}` : String(error), 500);
}

/** `text` on one line, without control and direction characters. */
export function oneLine(text: string, maxLength: number): string {
  return text.replaceAll(CONTROL, ' ').slice(0, maxLength);
}
