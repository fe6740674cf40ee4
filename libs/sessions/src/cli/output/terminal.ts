import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { Injectable } from '@nestjs/common';
import { CommandFailure, EXIT, usage } from './command-failure.js';
import { toEscapedJson } from './escape-control.js';

/** Output of commands: data goes to stdout, everything else to stderr. */
@Injectable()
export class Terminal {
  constructor() {
    this.surviveClosedStreams();
  }

  /** Whether a person can see a progress bar. */
  get showsProgress(): boolean {
    return process.stderr.isTTY;
  }

  /** Prints data. Resolves, too, if the reader closes the pipe (`| head -1`). */
  print(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null): void => {
        if (error && !isClosedPipe(error)) reject(writeFailure(error));
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

  /** Prints data as it is made: at the reader's pace. */
  async printPieces(pieces: AsyncIterable<string>): Promise<void> {
    for await (const piece of pieces) await this.print(piece);
    await this.print('\n');
  }

  /** Prints a message that is not data. */
  note(text: string): void {
    process.stderr.write(text);
  }

  /** Bold on a terminal, unless `NO_COLOR` is set. */
  bold(text: string): string {
    return styleText('bold', text, { stream: process.stdout });
  }

  /** Throws if nobody could answer `confirm`. */
  requirePerson(): void {
    if (process.stdin.isTTY && process.stderr.isTTY) return;
    throw usage('cannot ask for confirmation (stdin or stderr is not a terminal): pass --yes');
  }

  /** Asks a question, and rejects unless the answer is `y` or `yes`. The end of the input is a no. */
  async confirm(question: string, signal: AbortSignal): Promise<void> {
    // With readline's line editing, Ctrl-C would not be a signal.
    const asking = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
    try {
      const closed = once(asking, 'close', { signal }).then(() => 'no');
      closed.catch(() => {});
      const answer = await Promise.race([asking.question(`${question} [y/N] `, { signal }), closed]);
      if (/^y(es)?$/i.test(answer.trim())) return;
      throw new CommandFailure(EXIT.failure, 'not confirmed: nothing was changed');
    } finally {
      asking.close();
    }
  }

  /** Without a listener, a failed write ends the process with a stack trace. */
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

function writeFailure(error: Error): CommandFailure {
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return new CommandFailure(EXIT.failure, `cannot write to stdout${code}`, { cause: error });
}
