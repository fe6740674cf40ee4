import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpException, HttpStatus, type MessageEvent } from '@nestjs/common';
import { Observable, tap, type Subscriber } from 'rxjs';
import type { Closable } from '../../core/resources/resources.js';
import type { CloseReason } from '../../core/process/live-connections.js';
import { EventBackpressure } from './event-backpressure.js';
import { onceReaderIdles } from './idle-reader.js';

/** A reader that takes nothing more is given so long to take the end. */
const END_WITHIN_MS = 1000;

/**
 * The session of an event stream is over. 204 is what makes a browser's `EventSource` stop asking; any error, or the end
 * of a stream, would have it come back every few seconds.
 */
export class EventStreamOver extends HttpException {
  constructor() {
    super('', HttpStatus.NO_CONTENT);
  }
}

const streams = new WeakMap<IncomingMessage, EventStream>();

/** @internal Keeps the stream that a request was admitted to. */
export function noteEventStream(request: IncomingMessage, stream: EventStream): void {
  streams.set(request, stream);
}

/** @internal The stream that a request was admitted to, if it asked for one. */
export function eventStreamOf(request: IncomingMessage): EventStream | null {
  return streams.get(request) ?? null;
}

/** One server-sent-event response: it says why it ends when its session does, and nothing after that. */
export class EventStream implements Closable {
  private subscriber: Subscriber<unknown> | undefined;
  private closedFor: CloseReason | undefined;
  private readonly backlog: EventBackpressure;

  constructor(
    private readonly response: ServerResponse,
    private readonly idleMs: number,
  ) {
    this.backlog = new EventBackpressure(response);
  }

  /** Calls back when the response is over, from whichever side. */
  onceOver(callback: () => void): void {
    if (this.isOver) callback();
    else this.response.once('close', callback);
  }

  /** What the handler sends, until the session ends. */
  carry(messages: Observable<unknown>): Observable<unknown> {
    return new Observable((subscriber) => {
      this.subscriber = subscriber;
      // Not before: as it begins an event stream, Nest takes all time limits off the connection.
      onceReaderIdles(this.response, this.idleMs, () => this.response.destroy());
      if (this.closedFor === undefined) subscriber.add(this.watched(messages).subscribe(subscriber));
      else this.say(this.closedFor);
    });
  }

  /** Resolves when the response is over. */
  async close(reason: CloseReason): Promise<void> {
    if (this.closedFor !== undefined || this.isOver) return;
    this.closedFor = reason;
    const over = new Promise<void>((resolve) => this.onceOver(resolve));
    const giveUp = setTimeout(() => this.response.destroy(), END_WITHIN_MS);
    this.say(reason);
    await over;
    clearTimeout(giveUp);
  }

  private get isOver(): boolean {
    return this.response.closed || this.response.destroyed;
  }

  /** A reader that stays too far behind is cut off; it comes back by itself. */
  private watched(messages: Observable<unknown>): Observable<unknown> {
    return messages.pipe(
      tap((message) => {
        if (this.backlog.isTooMuchWith(message)) this.response.destroy();
      }),
    );
  }

  private say(reason: CloseReason): void {
    const last: MessageEvent = { type: 'session-ended', data: { reason } };
    if (reason !== 'shutdown') this.subscriber?.next(last);
    this.subscriber?.complete();
  }
}
