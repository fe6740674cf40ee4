import type { WebSocket } from 'ws';
import { closeSocket } from './close-socket.js';

/** What an admitted upgrade becomes. */
export interface UpgradedSocket {
  /** Call it after the upgrade. */
  attach(socket: WebSocket): void;
  /** Runs `handle` unless the message may not be handled. Call it while the message is being dispatched. */
  guard<Answer>(handle: () => Answer): Answer | undefined | Promise<Answer | undefined>;
}

/** A WebSocket that is closed as soon as it is open: browsers learn of no other refusal than a close code. */
export class RefusedSocket implements UpgradedSocket {
  constructor(
    private readonly code: number,
    private readonly text: string,
  ) {}

  attach(socket: WebSocket): void {
    socket.on('error', () => socket.terminate());
    void closeSocket(socket, this.code, this.text);
  }

  guard(): undefined {
    return undefined;
  }
}
