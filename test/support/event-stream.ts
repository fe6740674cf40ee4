/** One server-sent event, parsed. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** Reads an SSE answer event by event, as a page's `EventSource` does. */
export class EventStream {
  private readonly decoder = new TextDecoder();
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private buffered = '';

  constructor(readonly response: Response) {
    if (!response.ok) throw new Error(`The event stream was answered with ${response.status}.`);
    this.reader = response.body!.getReader();
  }

  /** The next event; `null` when the stream has ended. */
  async next(): Promise<ServerSentEvent | null> {
    for (;;) {
      const end = this.buffered.indexOf('\n\n');
      if (end >= 0) {
        const block = this.buffered.slice(0, end);
        this.buffered = this.buffered.slice(end + 2);
        const event = parse(block);
        if (event) return event;
        continue;
      }
      const { done, value } = await this.reader.read();
      if (done) return null;
      this.buffered += this.decoder.decode(value, { stream: true });
    }
  }

  /** Reads on until one fits; fails when the stream ends before. */
  async until(fits: (event: ServerSentEvent) => boolean): Promise<ServerSentEvent> {
    for (;;) {
      const event = await this.next();
      if (!event) throw new Error('The stream ended before the event came.');
      if (fits(event)) return event;
    }
  }

  close(): Promise<void> {
    return this.reader.cancel();
  }
}

function parse(block: string): ServerSentEvent | null {
  const lines = block.split('\n');
  const field = (name: string): string =>
    lines
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
      .join('\n');
  if (!field('event') && !field('data')) return null;
  const data = field('data');
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    parsed = { text: data };
  }
  return { event: field('event') || 'message', data: parsed as Record<string, unknown> };
}
