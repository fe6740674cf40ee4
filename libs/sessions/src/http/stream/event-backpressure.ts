import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { Backpressure } from './backpressure.js';

/** Estimated length of an event's framing. */
const FRAME_LENGTH = 24;

/** Estimates the bytes pending for one event stream: in events that Nest has yet to write, and in written ones. */
export class EventBackpressure {
  private readonly backpressure = new Backpressure();
  private unwrittenEvents = 0;
  private unwrittenLength = 0;

  /** Create it before the stream begins. */
  constructor(private readonly response: ServerResponse) {
    // Nest's own stream emits each event as one chunk.
    response.once('pipe', (events: Readable) =>
      events.on('data', (chunk: string | Buffer) => this.noteWritten(chunk.length)),
    );
  }

  /** Counts one more event. `true`: disconnect the client. */
  isTooMuchWith(event: unknown): boolean {
    this.unwrittenEvents += 1;
    this.unwrittenLength += FRAME_LENGTH + lengthOf(event);
    return this.backpressure.isTooMuch(this.unwrittenLength + this.response.writableLength);
  }

  private noteWritten(length: number): void {
    this.unwrittenEvents = Math.max(0, this.unwrittenEvents - 1);
    // The lengths are estimates: reset them whenever no event is unwritten.
    this.unwrittenLength = this.unwrittenEvents === 0 ? 0 : Math.max(0, this.unwrittenLength - length);
  }
}

function lengthOf(event: unknown): number {
  return typeof event === 'string' ? event.length : (JSON.stringify(event) ?? '').length;
}
