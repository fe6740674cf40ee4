import type { LoggerService } from '@nestjs/common';
import { escapeControl } from './escape-control.js';

/** The context in which Nest tells what broke the start: it is told to the user anyway, in one line. */
const SAID_ELSEWHERE = 'ExceptionHandler';

/** Warnings and errors on standard error, one line each; of what else happens a command says nothing. */
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

  /** Of the rest only the last is shown, the part that speaks: never a stack. */
  private write(level: string, message: unknown, rest: readonly unknown[]): void {
    const part = rest.at(-1);
    if (part === SAID_ELSEWHERE) return;
    const speaker = typeof part === 'string' ? ` [${escapeControl(part)}]` : '';
    const text = message instanceof Error ? message.message : String(message);
    process.stderr.write(`${level}${speaker}: ${escapeControl(text)}\n`);
  }
}
