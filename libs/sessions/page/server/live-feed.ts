import type { SessionList, Totals } from './answers.js';

/** The server sends totals every two seconds: when it is silent for so long, the connection is gone. */
const SILENT_MS = 20_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;

export interface LiveListener {
  onPage(page: SessionList): void;
  onTotals(totals: Totals): void;
  onLive(): void;
  /** The server is there, and its store does not answer. */
  onFault(): void;
  /** The connection is lost or was refused, or the sign-in is over; the next try begins in so many milliseconds. */
  onLost(retryInMs: number): void;
}

/** Server-sent events of a list. Reconnects by itself: `EventSource` gives up where a server or proxy answers an error. */
export class LiveFeed {
  private source: EventSource | null = null;
  private timer = 0;
  private losses = 0;

  constructor(
    private readonly url: string,
    private readonly listener: LiveListener,
  ) {}

  open(): void {
    this.close();
    const source = new EventSource(this.url);
    this.source = source;
    source.addEventListener('open', () => this.hear());
    source.addEventListener('page', ({ data }) => {
      this.hear();
      this.listener.onPage(JSON.parse(data));
    });
    source.addEventListener('totals', ({ data }) => {
      this.hear();
      this.listener.onTotals(JSON.parse(data));
    });
    source.addEventListener('fault', () => {
      this.hear();
      this.listener.onFault();
    });
    // Another tab may have signed in since.
    source.addEventListener('signed-out', () => this.lose());
    source.addEventListener('error', () => this.lose());
    this.timer = setTimeout(() => this.lose(), SILENT_MS);
  }

  close(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  private hear(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lose(), SILENT_MS);
    this.losses = 0;
    this.listener.onLive();
  }

  private lose(): void {
    this.close();
    const retryInMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.losses);
    this.losses += 1;
    this.timer = setTimeout(() => this.open(), retryInMs);
    this.listener.onLost(retryInMs);
  }
}
