import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { Backpressure } from './backpressure.js';

/** What an event takes beside its data, about. */
const FRAME_LENGTH = 24;

/** What waits for the client of one event stream, about: events that Nest has not come to write yet, and what it wrote. */
export class EventBackpressure {
  private readonly backlog = new Backpressure();
  private unwrittenEvents = 0;
  private unwrittenLength = 0;

  /** To be made before the stream begins. */
  constructor(private readonly response: ServerResponse) {
    // Each event comes through Nest's own stream as one chunk.
    response.once('pipe', (events: Readable) =>
      events.on('data', (chunk: string | Buffer) => this.noteWritten(chunk.length)),
    );
  }

  /** Whether, with one more, too much waits for too long. */
  isTooMuchWith(event: unknown): boolean {
    this.unwrittenEvents += 1;
    this.unwrittenLength += FRAME_LENGTH + lengthOf(event);
    return this.backlog.isTooMuch(this.unwrittenLength + this.response.writableLength);
  }

  private noteWritten(length: number): void {
    this.unwrittenEvents = Math.max(0, this.unwrittenEvents - 1);
    // The lengths are estimates: whenever nothing waits, they begin anew.
    this.unwrittenLength = this.unwrittenEvents === 0 ? 0 : Math.max(0, this.unwrittenLength - length);
  }
}

function lengthOf(event: unknown): number {
  return typeof event === 'string' ? event.length : (JSON.stringify(event) ?? '').length;
}
