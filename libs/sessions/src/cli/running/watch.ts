import { setTimeout as pause } from 'node:timers/promises';
import { usage } from '../output/command-failure.js';
import type { Terminal } from '../output/terminal.js';
import { optionalValue } from './command-declaration.js';
import { wholeNumber } from './option-values.js';

const DEFAULT_SECONDS = 2;
const MOST_SECONDS = 3600;

/** The option of commands that can be watched; the runner does the rest. */
export const WATCH = {
  watch: optionalValue(
    'seconds',
    `shows it anew every so many seconds (default: ${DEFAULT_SECONDS}), until Ctrl-C`,
  ),
};

interface Watched {
  readonly watch?: string | true | undefined;
  readonly json?: true | undefined;
  readonly stream?: true | undefined;
}

/** Checks the options of a watched command, and answers its pause. */
export function watchPauseMs({ watch, json, stream }: Watched, terminal: Terminal): number {
  const seconds =
    wholeNumber('--watch', watch === true ? undefined : watch, 1, MOST_SECONDS) ?? DEFAULT_SECONDS;
  if (json) throw usage('--watch cannot be combined with --json');
  if (!stream && !terminal.showsFrames) {
    throw usage('--watch draws on a terminal, and stdout is none: where the command has it, add --stream');
  }
  return seconds * 1000;
}

/** Calls `show` again and again, with a pause between; until the signal, or until nobody reads the output. */
export async function repeat(
  show: () => Promise<void>,
  pauseMs: number,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && !terminal.isClosed) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await show();
    // oxlint-disable-next-line no-await-in-loop -- the pause between
    await pause(pauseMs, undefined, { signal }).catch(() => {});
  }
}
