import { existsSync, openSync, readFileSync, writeSync } from 'node:fs';

/**
 * What a process notes: before what it is about to do, and after what was acknowledged. `[word, ...ids and figures]`.
 * - `opened` session, token hash
 * - `may-end` session; `ended` session
 * - `may-regenerate` session, token hash; `regenerated` session, token hash
 * - `may-log-in` session, token hash, user; `logged-in` session, token hash, user
 * - `settling` session, resource, seed of its content, size; `settled` session, resource
 * - `adopting` resource, path of its source
 * - `claiming` resource, path; `claim-placed` resource, path; `claimed` resource, path
 * - `may-go` resource ...
 * - `fault` text: what must not happen
 */
export type Entry = readonly [word: string, ...details: (string | number)[]];

/** Writes entries that survive the death of the process: handed to the system before `note` returns. */
export class Journal {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'a');
    // What a process before this one had begun to write ends here.
    writeSync(this.#fd, '\n');
  }

  note(...entry: Entry): void {
    writeSync(this.#fd, `${JSON.stringify(entry)}\n`);
  }
}

/** The whole entries of a journal from `offset` on, and where the next ones begin. */
export function readJournal(path: string, offset: number): { entries: Entry[]; end: number } {
  if (!existsSync(path)) return { entries: [], end: offset };
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.subarray(offset, end).toString('utf8').split('\n');
  return { entries: lines.flatMap(parse), end: Math.max(offset, end) };
}

function parse(line: string): Entry[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as Entry];
  } catch {
    return [];
  }
}
