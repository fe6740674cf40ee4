import type { UpgradedSocket } from './refused-socket.js';

/** A WebSocket at a path that is excluded from sessions: its messages are handled, and it belongs to none. */
export class SessionlessSocket implements UpgradedSocket {
  attach(): void {}

  guard<Answer>(handle: () => Answer): Answer {
    return handle();
  }
}
