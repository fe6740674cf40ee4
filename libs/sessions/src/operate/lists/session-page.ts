import type { SessionsCore } from '../../core/core.js';
import type { SessionDetails } from '../../core/sessions/session-details.js';
import type { SessionQuery, StoreTotals } from '../../ports/store/session-store.js';
import { cursorAfter } from './page-cursor.js';

/** Maximum number of entries on a page of any list. */
export const MAX_PAGE = 1000;

/** What is known after the last session of a page. */
export interface PageEnd {
  /** They count every end that the list shows. */
  readonly totals: StoreTotals;
  /** Cursor of the next page; `null` on the last page. */
  readonly nextCursor: string | null;
}

/** Live sessions in the requested order, at `now`. They can be read once, a slice at a time. */
export class SessionPage {
  readonly now: number;
  private read = 0;
  private last: SessionDetails | undefined;
  private hasMore = false;

  private constructor(
    private readonly core: SessionsCore,
    private readonly query: SessionQuery,
    private readonly found: AsyncIterable<readonly SessionDetails[]>,
  ) {
    this.now = core.clock.now();
  }

  /** Reading sessions does not count as their activity. */
  static async open(core: SessionsCore, query: SessionQuery): Promise<SessionPage> {
    const found = await core.service.listInSlices({ ...query, limit: query.limit + 1 });
    return new SessionPage(core, query, found);
  }

  async *slices(): AsyncGenerator<readonly SessionDetails[], void, void> {
    for await (const found of this.found) {
      const slice = found.slice(0, this.query.limit - this.read);
      this.read += slice.length;
      this.last = slice.at(-1) ?? this.last;
      this.hasMore = slice.length < found.length;
      yield slice;
    }
  }

  /** Call it after the last slice. */
  async end(): Promise<PageEnd> {
    const totals = await this.core.service.totals();
    const nextCursor = this.hasMore && this.last ? cursorAfter(this.query.sort, this.last) : null;
    return { totals, nextCursor };
  }
}
