import type { LoggerService } from '@nestjs/common';
import { escapeControl } from './escape-control.js';

/** Nest's context for a failed start, which the program itself prints in one line. */
const START_FAILURE = 'ExceptionHandler';

/** Writes warnings and errors to stderr, one line each, and drops everything else. */
export class StderrLogger implements LoggerService {
  log(): void {}

  debug(): void {}

  verbose(): void {}

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warning', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  /** Nest passes the context last; the stack before it is not printed. */
  private write(level: string, message: unknown, rest: readonly unknown[]): void {
    const context = rest.at(-1);
    if (context === START_FAILURE) return;
    const source = typeof context === 'string' ? ` [${escapeControl(context)}]` : '';
    const text = message instanceof Error ? message.message : String(message);
    process.stderr.write(`${level}${source}: ${escapeControl(text)}\n`);
  }
}
