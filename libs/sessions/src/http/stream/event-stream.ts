import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HttpException, HttpStatus, type MessageEvent } from '@nestjs/common';
import { Observable, tap, type Subscriber, type Subscription } from 'rxjs';
import type { Closable, CloseReason } from '../../core/process/live-connections.js';
import { EventBackpressure } from './event-backpressure.js';
import { onceReaderIdles } from './idle-reader.js';

/** Time for a client to read the last event before it is disconnected. */
const END_WITHIN_MS = 1000;

/**
 * The session of an event stream has ended. 204 makes a browser's `EventSource` stop; after a connection error, or the
 * end of a stream, it would reconnect every few seconds.
 */
export class EventStreamOver extends HttpException {
  constructor() {
    super('', HttpStatus.NO_CONTENT);
  }
}

const streams = new WeakMap<IncomingMessage, EventStream>();

/** @internal Remembers the event stream that a request opened. */
export function noteEventStream(request: IncomingMessage, stream: EventStream): void {
  streams.set(request, stream);
}

/** @internal The event stream that a request opened; `null` for any other request. */
export function eventStreamOf(request: IncomingMessage): EventStream | null {
  return streams.get(request) ?? null;
}

/**
 * Begins every stream, and reaches no page, since it has no data: with an id, a browser's `EventSource` names it as
 * `Last-Event-ID` when it reconnects, and so is recognized after a logout has taken its cookie back.
 */
const FIRST_MESSAGE = { id: '0' };

/** After Nest has sent the headers: until then, a handler that fails is answered with its error. */
const BEGINS_AFTER_MS = 10;

/** A browser's `EventSource` asks again so soon after its stream has ended. */
const RETRY_MS = 1000;

/**
 * The whole event stream for a client whose token was replaced: it reconnects with the new one. After any status but 200 an
 * `EventSource` would give up for good.
 */
export const RETRY_STREAM = `retry: ${RETRY_MS}\n\n`;

/**
 * One server-sent-event response. When its session ends, it sends the reason as its last event; when its token is replaced, it
 * just ends, and browsers reconnect with the new one.
 */
export class EventStream implements Closable {
  private subscriber: Subscriber<unknown> | undefined;
  private messages: Subscription | undefined;
  private isSuspended = false;
  private hasBegun = false;
  private closedFor: CloseReason | undefined;
  private readonly backpressure: EventBackpressure;
  /** The response loses it when it is closed. */
  private readonly socket: Socket | null;
  private readonly writtenBefore: number;

  constructor(
    private readonly response: ServerResponse,
    private readonly idleMs: number,
  ) {
    this.backpressure = new EventBackpressure(response);
    this.socket = response.socket;
    this.writtenBefore = this.socket?.bytesWritten ?? 0;
  }

  get transferredBytes(): number {
    return (this.socket?.bytesWritten ?? 0) - this.writtenBefore;
  }

  /** Calls back when either side has closed the response; at once if that has happened. */
  onceOver(callback: () => void): void {
    if (this.isOver) callback();
    else this.response.once('close', callback);
  }

  /** Passes on the handler's messages until the session ends. */
  carry(messages: Observable<unknown>): Observable<unknown> {
    return new Observable((subscriber) => {
      this.subscriber = subscriber;
      // Not earlier: when it begins an event stream, Nest removes all timeouts from the connection.
      onceReaderIdles(this.response, this.idleMs, () => this.response.destroy());
      if (this.closedFor !== undefined) return this.complete(this.closedFor);
      if (this.isSuspended) return;
      const timer = setTimeout(() => this.begin(), BEGINS_AFTER_MS);
      subscriber.add(() => clearTimeout(timer));
      // An observer of its own: unsubscribed, it does not close the stream.
      this.messages = this.limited(messages).subscribe({
        next: (message) => {
          this.begin();
          subscriber.next(message);
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          this.begin();
          subscriber.complete();
        },
      });
      subscriber.add(this.messages);
    });
  }

  suspend(): void {
    this.isSuspended = true;
    this.messages?.unsubscribe();
  }

  /** Resolves when the response is closed. */
  async close(reason: CloseReason): Promise<void> {
    if (this.closedFor !== undefined || this.isOver) return;
    this.closedFor = reason;
    const over = new Promise<void>((resolve) => this.onceOver(resolve));
    const timeout = setTimeout(() => this.response.destroy(), END_WITHIN_MS);
    this.complete(reason);
    await over;
    clearTimeout(timeout);
  }

  private get isOver(): boolean {
    return this.response.closed || this.response.destroyed;
  }

  /** Disconnects a client that stays too far behind; browsers reconnect by themselves. */
  private limited(messages: Observable<unknown>): Observable<unknown> {
    return messages.pipe(
      tap((message) => {
        if (this.backpressure.isTooMuchWith(message)) this.response.destroy();
      }),
    );
  }

  private begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.subscriber?.next(FIRST_MESSAGE);
  }

  private complete(reason: CloseReason): void {
    const last: MessageEvent = { type: 'session-ended', data: { reason } };
    // Without data, no event is dispatched to the page.
    if (reason === 'stale') this.subscriber?.next({ retry: RETRY_MS });
    else if (reason !== 'shutdown') this.subscriber?.next(last);
    this.subscriber?.complete();
  }
}
