import { WebSocket } from 'ws';
import { Backpressure } from '../http/stream/backpressure.js';

const TRY_AGAIN_LATER = 1013;
const CLOSE_WITHIN_MS = 1000;

type Send = Parameters<WebSocket['send']>;

/** A WebSocket that disconnects a peer that stays too far behind, with 1013, so that the peer may reconnect. */
export class BackpressureWebSocket extends WebSocket {
  private readonly backpressure = new Backpressure();
  private isSuspended = false;

  /** From now on it drops what is sent to the peer: its session's token was replaced. It is closed soon. */
  suspend(): void {
    this.isSuspended = true;
  }

  override send(data: Send[0], callback?: Send[2]): void;
  override send(data: Send[0], options: Send[1], callback?: Send[2]): void;
  override send(data: Send[0], ...rest: unknown[]): void {
    if (this.isSuspended) return passError(rest.at(-1));
    this.checkPeer();
    super.send(data, ...(rest as [Send[1], Send[2]]));
  }

  /** Pongs are buffered for the peer like messages. */
  override pong(...answer: Parameters<WebSocket['pong']>): void {
    this.checkPeer();
    super.pong(...answer);
  }

  /** A closing socket drops what is sent to it, and passes an error to the callback. */
  private checkPeer(): void {
    if (this.readyState !== WebSocket.OPEN || !this.backpressure.isTooMuch(this.bufferedAmount)) return;
    this.close(TRY_AGAIN_LATER, 'too far behind');
    setTimeout(() => this.terminate(), CLOSE_WITHIN_MS).unref();
  }
}

/** A socket that cannot send passes an error to the callback. */
function passError(callback: unknown): void {
  if (typeof callback !== 'function') return;
  process.nextTick(callback, new Error('The token of the session was replaced.'));
}
