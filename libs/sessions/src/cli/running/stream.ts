import { usage } from '../output/command-failure.js';
import type { Terminal } from '../output/terminal.js';
import { flag } from './command-declaration.js';

/** The option of lists that can be printed whole. */
export const STREAM = {
  stream: flag('prints all pages, or --limit entries, as lines of JSON (NDJSON), as they come'),
};

/** One page as JSON values, a slice at a time. */
export interface StreamedPage {
  readonly slices: AsyncIterable<readonly unknown[]> | Iterable<readonly unknown[]>;
  /** The cursor of the next page; asked for after the last slice. */
  readonly next: () => Promise<string | null>;
}

/** What was given of the options of a streamed list. */
interface Streamed {
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
}

/** Refuses what cannot be combined, before anything is opened. */
export function refuseStream({
  stream,
  json,
}: { readonly [Name in 'stream' | 'json']?: true | undefined }): void {
  if (stream && json) throw usage('--stream cannot be combined with --json: its lines are JSON');
}

/**
 * Prints page after page, from the given cursor on, and keeps none; one page of `limit` entries if that was given. Ends without an error when the reader
 * closes the pipe.
 */
export async function streamPages(
  terminal: Terminal,
  { limit, cursor }: Streamed,
  signal: AbortSignal,
  read: (page: { limit: string | undefined; cursor: string | undefined }) => Promise<StreamedPage>,
): Promise<void> {
  let next: string | null | undefined = cursor;
  do {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
    const page = await read({ limit, cursor: next });
    for await (const slice of page.slices) {
      await terminal.printJsonLines(slice);
      if (terminal.isClosed || signal.aborted) return;
    }
    // oxlint-disable-next-line no-await-in-loop -- as above
    next = limit === undefined ? await page.next() : null;
  } while (next !== null);
}
