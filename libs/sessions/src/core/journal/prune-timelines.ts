import type { CoreContext } from '../process/context.js';

/** Entries that one call drops. */
const PAGE = 2000;

/** Drops what timelines hold beyond `journalMaxBytes`, page by page, so that others get their turn. */
export async function pruneTimelines({
  store,
  config,
}: Pick<CoreContext, 'store' | 'config'>): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- one page after the other
  while ((await store.journal.prune(config.journalMaxBytes, PAGE)) > 0);
}
