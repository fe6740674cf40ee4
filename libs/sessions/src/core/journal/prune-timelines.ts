import type { CoreContext } from '../process/context.js';

/** Entries that one call drops. */
const PAGE = 2000;

/** Drops what timelines hold beyond `journalMaxBytes`, page by page, so that others get their turn. */
export async function pruneTimelines(
  { journal }: Pick<CoreContext['store'], 'journal'>,
  { journalMaxBytes }: Pick<CoreContext['config'], 'journalMaxBytes'>,
): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- one page after the other
  while ((await journal.prune(journalMaxBytes, PAGE)) > 0);
}
