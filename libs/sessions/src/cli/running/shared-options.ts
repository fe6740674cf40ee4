import { MAX_PAGE } from '../../operate/lists/session-page.js';
import type { ReadQuery } from '../../operate/lists/page-query.js';
import { usage } from '../output/command-failure.js';
import { argument, flag, value, type FlagOption } from './command-declaration.js';

/* Options of several commands. */

const DEFAULT_LIMIT = 100;

/** `of`: the admin route that answers the same, or what differs. */
export function json(of?: string): FlagOption {
  return flag(of === undefined ? 'prints JSON' : `prints JSON, that of ${of}`);
}

/** `deed`: what the command asks for else. */
export function yes(deed: string): FlagOption {
  return flag(`${deed} without asking`);
}

export const SESSION_ARGUMENT = {
  '<id>': argument('id of a session, or its beginning, as printed by list'),
};

export const EXAMPLE_ID = '0e8fb3bb-5a3c-4be5-9f8a-1d1a3f7f6a11';

/** Options of a list in pages; `entries`: what it lists. */
export function page(entries: string) {
  return {
    limit: value('number', `${entries} per page, 1 to ${MAX_PAGE} (default: ${DEFAULT_LIMIT})`),
    cursor: value('cursor', 'next page: the cursor that the page before printed'),
  };
}

export const PAGE_FLAGS = { limit: '--limit', cursor: '--cursor' };

/** What was given of a page, as a query reader takes it. */
export function pageOf({ limit, cursor }: { readonly [Name in 'limit' | 'cursor']?: string | undefined }) {
  return { limit: limit ?? String(DEFAULT_LIMIT), cursor };
}

/** The query; a fault in it is one of the command line. */
export function valid<Query>(read: ReadQuery<Query>): Query {
  if (read.kind === 'invalid') throw usage(read.faults.join('; '));
  return read.query;
}
