import { WebSocket } from 'ws';
import { Backpressure } from '../http/stream/backpressure.js';

const TRY_AGAIN_LATER = 1013;
const CLOSE_WITHIN_MS = 1000;

type Send = Parameters<WebSocket['send']>;

/** A WebSocket that gives up on a peer that stays too far behind what is sent to it: 1013, so that it may come back. */
export class BackpressureWebSocket extends WebSocket {
  private readonly backlog = new Backpressure();

  override send(data: Send[0], callback?: Send[2]): void;
  override send(data: Send[0], options: Send[1], callback?: Send[2]): void;
  override send(data: Send[0], ...rest: unknown[]): void {
    this.lookBack();
    super.send(data, ...(rest as [Send[1], Send[2]]));
  }

  /** Answers to pings wait for the peer as all else does. */
  override pong(...answer: Parameters<WebSocket['pong']>): void {
    this.lookBack();
    super.pong(...answer);
  }

  /** What is sent to a socket that closes is dropped, and its callback told. */
  private lookBack(): void {
    if (this.readyState !== WebSocket.OPEN || !this.backlog.isTooMuch(this.bufferedAmount)) return;
    this.close(TRY_AGAIN_LATER, 'too far behind');
    setTimeout(() => this.terminate(), CLOSE_WITHIN_MS).unref();
  }
}
