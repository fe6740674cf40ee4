import type { ServerResponse } from 'node:http';
import type { MessageEvent } from '@nestjs/common';
import { interval, Observable, takeUntil, type Subscriber } from 'rxjs';
import { onceReaderIdles } from '../../http/stream/idle-reader.js';
import type { LiveList, LiveTotals } from './live-lists.js';
import type { Polled } from './shared-poll.js';

/** Keeps proxies from closing a connection that is silent because the store is. */
const HEARTBEAT_MS = 15_000;

const FAULT: MessageEvent = {
  type: 'fault',
  data: { statusCode: 503, message: 'The store does not answer.' },
};
const SIGNED_OUT: MessageEvent = { type: 'signed-out', data: {} };
/** Nest 11 knows no comments, and sends an event without data, which reaches no page either. */
const HEARTBEAT = { comment: 'still here' } as unknown as MessageEvent;

/** What a page watches. */
export interface Watched {
  readonly list: Observable<Polled<LiveList>>;
  readonly totals: Observable<Polled<LiveTotals>>;
  /** Ends the stream. */
  readonly closing: Observable<void>;
}

/**
 * The events of one page: `page` with the list whenever it changed, `totals` with each poll, `fault` while the store does not answer,
 * `signed-out` as the last one when the sign-in is over. A slow reader gets nothing while it has bytes to take, and later what is
 * true then: one list waits for it, not many.
 */
export class LiveFeed {
  private shown: string | null = null;

  constructor(
    private readonly response: ServerResponse,
    private readonly isOver: () => boolean,
    private readonly idleMs: number,
  ) {}

  of({ list, totals, closing }: Watched): Observable<MessageEvent> {
    const events = new Observable<MessageEvent>((page) => {
      // Not earlier: when it begins an event stream, Nest removes all timeouts from the connection.
      onceReaderIdles(this.response, this.idleMs, () => this.response.destroy());
      page.add(list.subscribe((polled) => this.showList(polled, page)));
      page.add(
        totals.subscribe((polled) =>
          this.offer(page, polled ? { type: 'totals', data: polled.found } : FAULT),
        ),
      );
      page.add(interval(HEARTBEAT_MS).subscribe(() => this.offer(page, HEARTBEAT)));
    });
    return events.pipe(takeUntil(closing));
  }

  private showList(polled: Polled<LiveList>, page: Subscriber<MessageEvent>): void {
    // The totals tell the fault: they come from the same store.
    if (!polled || polled.found.content === this.shown) return;
    const { json, content } = polled.found;
    if (this.offer(page, { type: 'page', data: json })) this.shown = content;
  }

  private offer(page: Subscriber<MessageEvent>, message: MessageEvent): boolean {
    if (this.isOver()) {
      page.next(SIGNED_OUT);
      page.complete();
      return false;
    }
    if (this.response.writableLength > 0) return false;
    page.next(message);
    return true;
  }
}
