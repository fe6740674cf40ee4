import type { ErrorCode } from '../../domain/errors.js';
import { SessionsError } from '../../domain/errors.js';
import { describeError } from '../../core/watch/log.js';
import { escapeControl } from './escape-control.js';

/** What a command tells the shell. */
export const EXIT = Object.freeze({
  done: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  partlyDone: 4,
  storeUnreachable: 5,
});

const MAX_MESSAGE = 1000;

const EXIT_OF: Readonly<Partial<Record<ErrorCode, number>>> = {
  CONFIG_INVALID: EXIT.usage,
  INVALID_ARGUMENT: EXIT.usage,
  SESSION_GONE: EXIT.notFound,
  STORE_UNAVAILABLE: EXIT.storeUnreachable,
  STORE_INCOMPATIBLE: EXIT.storeUnreachable,
  STORAGE_UNAVAILABLE: EXIT.storeUnreachable,
  STORAGE_UNSAFE: EXIT.storeUnreachable,
};

/**
 * Why a command did not do all it was asked to. Whoever runs the commands prints it: as text it is what the user should
 * read, ready for standard error, and empty where all was said already.
 */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';

  constructor(
    readonly exitCode: number,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options);
    // Whoever prints this with its stack shows where users cannot do anything about it.
    this.stack = this.toString();
  }

  override toString(): string {
    return this.message === '' ? '' : `error: ${printable(this.message)}\n`;
  }

  /** `error` in the words and with the exit code that a user gets. */
  static from(error: unknown): CommandFailure {
    if (error instanceof CommandFailure) return error;
    if (error instanceof SessionsError) {
      return new CommandFailure(EXIT_OF[error.code] ?? EXIT.failure, error.message, { cause: error });
    }
    return new CommandFailure(EXIT.failure, describeError(error), { cause: error });
  }
}

/** The command line itself was wrong. */
export function usage(message: string): CommandFailure {
  return new CommandFailure(EXIT.usage, message);
}

function printable(message: string): string {
  const shortened = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
  return shortened.split('\n').map(escapeControl).join('\n');
}
