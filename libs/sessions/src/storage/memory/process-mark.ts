import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isAbsence, isSystemError } from '../storage-error.js';

const MARK = /^([0-9a-f]+)-(\d{1,10})-(\d{1,20})$/;
/** The place of the time of start among what follows the name of a process in `/proc/<pid>/stat`. */
const START_FIELD = 19;
const SHOWS_PROCESSES = process.platform === 'linux' && showsProcesses();

/**
 * Marks what a process leaves, so that others can tell that it is dead: its number, and when it started, as numbers are given again; and
 * where its number counts, as each container has numbers of its own.
 */
export class ProcessMark {
  private constructor(
    private readonly place: string,
    private readonly pid: number,
    private readonly start: string,
  ) {}

  static async own(): Promise<ProcessMark> {
    return new ProcessMark(await placeOfNumbers(), process.pid, (await startOf(process.pid)) ?? '0');
  }

  /** `null` for any other text. */
  static parse(text: string): ProcessMark | null {
    const [, place, pid, start] = MARK.exec(text) ?? [];
    return place && pid && start ? new ProcessMark(place, Number(pid), start) : null;
  }

  toString(): string {
    return `${this.place}-${this.pid}-${this.start}`;
  }

  /** Whether it is certain that the process is over: of one elsewhere it is not. */
  async isDead(): Promise<boolean> {
    return this.place === (await placeOfNumbers()) && (await startOf(this.pid)) !== this.start;
  }
}

async function placeOfNumbers(): Promise<string> {
  const space = SHOWS_PROCESSES ? await readlink('/proc/self/ns/pid') : process.platform;
  return createHash('sha256').update(`${hostname()}\0${space}`).digest('hex').slice(0, 8);
}

/** `null` if there is no such process. Systems other than Linux do not say when it started. */
async function startOf(pid: number): Promise<string | null> {
  if (!SHOWS_PROCESSES) return isRunning(pid) ? '0' : null;
  try {
    const about = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The name comes before, in parentheses, and may hold anything.
    return about.slice(about.lastIndexOf(')') + 2).split(' ')[START_FIELD] ?? null;
  } catch (error) {
    if (isAbsence(error) || isSystemError(error, 'ESRCH')) return null;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is another user's.
    return isSystemError(error, 'EPERM');
  }
}

/** Whether `/proc` is there, and gives processes the numbers that they have for us. */
function showsProcesses(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}
