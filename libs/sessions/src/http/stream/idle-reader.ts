import type { ServerResponse } from 'node:http';

/**
 * Calls `disconnect` when the client has read none of its pending bytes for `idleMs`, after at most twice that time. A
 * client with nothing pending stays connected: the server is the slow side, or has nothing to send.
 */
export function onceReaderIdles(response: ServerResponse, idleMs: number, disconnect: () => void): void {
  const check = (): void => {
    if (response.destroyed) return;
    if (response.writableLength > 0) disconnect();
    else response.setTimeout(idleMs);
  };
  response.setTimeout(idleMs, check);
}
