import type { ErrorCode } from '../../domain/errors.js';
import { SessionsError } from '../../domain/errors.js';
import { describeError } from '../../core/watch/log.js';
import { escapeControl } from './escape-control.js';

/** Exit codes of the commands. */
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
 * A command failed, or was only partly done. As a string it is the line for stderr, or empty if the command has
 * already printed everything.
 */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';

  constructor(
    readonly exitCode: number,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options);
    // nest-commander prints `stack`; a stack trace does not help users.
    this.stack = this.toString();
  }

  override toString(): string {
    return this.message === '' ? '' : `error: ${printable(this.message)}\n`;
  }

  /** Converts any error to the message and exit code that the user gets. */
  static from(error: unknown): CommandFailure {
    if (error instanceof CommandFailure) return error;
    if (error instanceof SessionsError) {
      return new CommandFailure(EXIT_OF[error.code] ?? EXIT.failure, error.message, { cause: error });
    }
    return new CommandFailure(EXIT.failure, describeError(error), { cause: error });
  }
}

/** The command line is wrong. */
export function usage(message: string): CommandFailure {
  return new CommandFailure(EXIT.usage, message);
}

function printable(message: string): string {
  const shortened = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
  return shortened.split('\n').map(escapeControl).join('\n');
}
