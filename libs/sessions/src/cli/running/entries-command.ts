import { Option } from 'nest-commander';
import { MAX_PAGE } from '../../operate/lists/session-page.js';
import type { ReadQuery } from '../../operate/lists/page-query.js';
import { usage } from '../output/command-failure.js';
import { brokenColumns } from '../output/table.js';
import { gather, single, type Given } from './option-values.js';
import { SessionsCommandRunner } from './sessions-command-runner.js';

const DEFAULT_LIMIT = 100;
const HEAD = ['AT', 'WHAT', 'BY', 'DETAILS'];
/** An id fits into the details. */
const WIDTHS = { widest: 20, narrowest: 36 };

export interface EntriesOptions {
  readonly limit?: Given;
  readonly cursor?: Given;
  readonly json?: boolean;
}

/** Prints a page of entries, of a timeline or of the audit. */
export abstract class EntriesCommand extends SessionsCommandRunner {
  @Option({
    flags: '--limit <number>',
    description: `entries per page, 1 to ${MAX_PAGE} (default: ${DEFAULT_LIMIT})`,
  })
  gatherLimit(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--cursor <cursor>', description: 'next page: the cursor that the page before printed' })
  gatherCursor(value: string, before: Given): string[] {
    return gather(value, before);
  }

  /** `rows`: instant, what, by whom, details. */
  protected async printRows(rows: readonly (readonly string[])[]): Promise<void> {
    if (rows.length > 0) await this.terminal.print(brokenColumns(this.terminal, HEAD, rows, WIDTHS));
  }

  protected noteNext(nextCursor: string | null): void {
    if (nextCursor !== null) this.terminal.note(`More: --cursor ${nextCursor}\n`);
  }
}

/** The options of a page that were given, as text. */
export function pageOf({ limit, cursor }: EntriesOptions): Record<'limit' | 'cursor', string | undefined> {
  return { limit: single('--limit', limit) ?? String(DEFAULT_LIMIT), cursor: single('--cursor', cursor) };
}

export function valid<Query>(read: ReadQuery<Query>): Query {
  if (read.kind === 'invalid') throw usage(read.faults.join('; '));
  return read.query;
}
