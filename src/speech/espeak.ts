import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import type { Language } from './languages.js';

const TIMEOUT_MS = 30_000;
/** Each process keeps one core busy. */
const MAX_AT_ONCE = 4;

/** The program espeak-ng is not on PATH. */
export class EspeakMissingError extends Error {}

/** Runs `espeak-ng`: it reads the text from standard input and writes a WAV to standard output. */
@Injectable()
export class Espeak {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /**
   * Writes the speech to `sink` and ends it. On failure it destroys the sink, which deletes what was written.
   * @throws EspeakMissingError
   */
  async speak(text: string, language: Language, sink: Writable): Promise<void> {
    await this.acquireSlot();
    try {
      await synthesise(text, language, sink);
    } catch (error) {
      await discard(sink);
      throw error;
    } finally {
      this.running -= 1;
      this.waiting.shift()?.();
    }
  }

  private async acquireSlot(): Promise<void> {
    while (this.running >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running += 1;
  }
}

async function synthesise(text: string, language: Language, sink: Writable): Promise<void> {
  const program = spawn('espeak-ng', ['--stdin', '--stdout', '-v', language], {
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  // A program that stops reading breaks the pipe; its exit code reports the failure.
  program.stdin.on('error', () => {});
  const exited = once(program, 'exit');
  exited.catch(() => {});
  try {
    await once(program, 'spawn').catch(explainFailedStart);
    program.stdin.end(text);
    // The exit code must confirm that the speech is complete before the sink is ended.
    await pipeline(program.stdout, sink, { end: false });
    const [exitCode] = (await exited) as [number | null];
    if (exitCode !== 0) throw new Error(`espeak-ng failed with exit code ${exitCode ?? 'none'}.`);
    sink.end();
    await once(sink, 'finish');
  } finally {
    program.kill('SIGKILL');
  }
}

/** Resolves when the sink has deleted what was written. */
async function discard(sink: Writable): Promise<void> {
  if (!sink.closed) await new Promise((resolve) => sink.once('close', resolve).destroy());
}

function explainFailedStart(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
    throw new EspeakMissingError('espeak-ng is not on PATH.');
  }
  throw error;
}
