import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { Injectable } from '@nestjs/common';
import { CommandFailure, EXIT, usage } from './command-failure.js';
import { toEscapedJson, toEscapedJsonLine } from './escape-control.js';

const USUAL_WIDTH = 80;

/** Control sequences of every terminal since the VT100. */
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';

/** Output of commands: data goes to stdout, everything else to stderr. */
@Injectable()
export class Terminal {
  /** What one pass of a watched command prints; `null` if it goes out at once. */
  private frame: string | null = null;
  private closed = false;

  constructor() {
    this.surviveClosedStreams();
  }

  /** Whether a person can see a progress bar. */
  get showsProgress(): boolean {
    return process.stderr.isTTY;
  }

  /** Whether a person looks at stdout, where a picture can be drawn again. */
  get showsFrames(): boolean {
    return process.stdout.isTTY;
  }

  /** Characters of a line: those of a terminal, but at least 80. */
  get width(): number {
    return process.stdout.isTTY ? Math.max(USUAL_WIDTH, process.stdout.columns) : USUAL_WIDTH;
  }

  /** Whether the reader has closed the pipe: it wants no more. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** Draws what `show` prints, notes too, in the place of what was there, under a title. Lines that do not fit are cut. */
  async drawFrame(title: string, show: () => Promise<void>): Promise<void> {
    this.frame = `${this.bold(title)}\n\n`;
    try {
      await show();
      const lines = this.frame.split('\n').slice(0, process.stdout.rows - 1);
      const picture = lines.map((line) => `${line}${CLEAR_LINE}`).join('\n');
      this.frame = null;
      await this.print(`${HOME}${NO_WRAP}${picture}${CLEAR_BELOW}${WRAP}\n`);
    } finally {
      this.frame = null;
    }
  }

  /** Prints data. Resolves, too, if the reader closes the pipe (`| head -1`). */
  print(text: string): Promise<void> {
    if (this.frame !== null) {
      this.frame += text;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null): void => {
        this.closed ||= isClosedPipe(error);
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

  /** Prints a line of JSON for each. */
  printJsonLines(values: readonly unknown[]): Promise<void> {
    return this.print(values.map((value) => `${toEscapedJsonLine(value)}\n`).join(''));
  }

  /** Prints data as it is made: at the reader's pace. */
  async printPieces(pieces: AsyncIterable<string>): Promise<void> {
    for await (const piece of pieces) await this.print(piece);
    await this.print('\n');
  }

  /** Prints a message that is not data. */
  note(text: string): void {
    if (this.frame === null) process.stderr.write(text);
    else this.frame += text;
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
      if (isClosedPipe(error)) this.closed = true;
      else process.exitCode ||= EXIT.failure;
    });
  }
}

function isClosedPipe(error: Error | null | undefined): boolean {
  if (!error || !('code' in error)) return false;
  return error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
}

function writeFailure(error: Error): CommandFailure {
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return new CommandFailure(EXIT.failure, `cannot write to stdout${code}`, { cause: error });
}
