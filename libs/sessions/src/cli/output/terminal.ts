import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { Injectable } from '@nestjs/common';
import { CommandFailure, EXIT } from './command-failure.js';
import { toEscapedJson } from './escape-control.js';

/** Where commands print: data on standard output, everything else on standard error. */
@Injectable()
export class Terminal {
  constructor() {
    this.surviveClosedStreams();
  }

  /** Whether a person sits there who can be asked. */
  get canAsk(): boolean {
    return process.stdin.isTTY && process.stderr.isTTY;
  }

  /** Whether a moving picture on standard error is looked at by somebody. */
  get showsProgress(): boolean {
    return process.stderr.isTTY;
  }

  /** Prints data. A reader that has seen enough (`| head -1`) ends it quietly. */
  print(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null): void => {
        if (error && !isClosedPipe(error)) reject(unwritable(error));
        else resolve();
      };
      try {
        process.stdout.write(text, done);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  printJson(value: unknown): Promise<void> {
    return this.print(`${toEscapedJson(value)}\n`);
  }

  /** Says something that is not data. */
  note(text: string): void {
    process.stderr.write(text);
  }

  /** Bold where colours are wanted: on a terminal, and without `NO_COLOR`. */
  bold(text: string): string {
    return styleText('bold', text, { stream: process.stdout });
  }

  /** Asks a question that only `y` or `yes` answers with yes. The end of the input is a no. */
  async confirm(question: string, signal: AbortSignal): Promise<boolean> {
    // Without line editing of its own, so that Ctrl-C stays the signal that it is everywhere else.
    const asking = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
    try {
      const closed = once(asking, 'close', { signal }).then(() => 'no');
      closed.catch(() => {});
      const answer = await Promise.race([asking.question(`${question} [y/N] `, { signal }), closed]);
      return /^y(es)?$/i.test(answer.trim());
    } finally {
      asking.close();
    }
  }

  /** What cannot be written must not bring the process down with a stack trace. */
  private surviveClosedStreams(): void {
    process.stderr.on('error', () => {});
    process.stdout.on('error', (error) => {
      if (!isClosedPipe(error)) process.exitCode ||= EXIT.failure;
    });
  }
}

function isClosedPipe(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}

function unwritable(error: Error): CommandFailure {
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return new CommandFailure(EXIT.failure, `the output cannot be written${code}`, { cause: error });
}
