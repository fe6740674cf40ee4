import type { ServerResponse } from 'node:http';

/**
 * Calls `cutOff` when a client has taken none of the bytes that wait for it for `idleMs` (up to twice that may pass). One
 * for whom nothing waits is never cut off: then it is we who are slow, or there is nothing to say.
 */
export function onceReaderIdles(response: ServerResponse, idleMs: number, cutOff: () => void): void {
  const look = (): void => {
    if (response.destroyed) return;
    if (response.writableLength > 0) cutOff();
    else response.setTimeout(idleMs);
  };
  response.setTimeout(idleMs, look);
}
